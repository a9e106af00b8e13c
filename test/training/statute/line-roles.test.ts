import t from 'tap';
import {
  appendixLabel,
  articleStart,
  chapterHeading,
  futureDate,
  isAddendumStart,
} from '../../../training/statute/line-roles.js';

t.test('starts of articles are read with their number, heading and rest', async (t) => {
  t.match(articleStart('제21조의2(전자금융거래의 안전) ① 금융회사는'), {
    label: '제21조의2',
    number: [21, 2],
    heading: '전자금융거래의 안전',
    rest: '① 금융회사는',
    deleted: false,
  });
  t.match(articleStart('제1조 (목적) 이 규정은'), { label: '제1조', heading: '목적', rest: '이 규정은' });
  t.match(articleStart('제5조(정의(이 장에 한한다) 등)'), { heading: '정의(이 장에 한한다) 등', rest: '' });
  t.match(articleStart('제8조 삭제 <2020. 2. 4.>'), { label: '제8조', heading: '', deleted: true });
  t.match(articleStart('제26조 삭제<2025. 2. 5.>'), { deleted: true });
  t.match(articleStart('제16조의2 삭 제 <2005. 11. 3.>'), { label: '제16조의2', deleted: true });
  t.match(articleStart('제50조의4부터 제50조의7까지 삭제 <2015. 7. 31.>'), {
    label: '제50조의4',
    lastNumber: [50, 7],
    deleted: true,
  });
  t.match(articleStart('제2조 부터 제9조까지 생략'), { number: [2], lastNumber: [9], deleted: false });
});

t.test('references at the start of a line are not starts', async (t) => {
  for (const line of [
    '제3조제1항에 따라 신고한 자는',
    '제3조의 규정에 따라',
    '제3조(정의)에 따른 용어를',
    '제3조(정의) 및 제4조에 따라',
    '제3조 및 제4조에 따라',
    '제10조부터 제12조까지의 규정은',
    '제7조(비밀유지',
    '법 제3조(정의) 이하',
    '제2장 총칙',
  ])
    t.equal(articleStart(line), undefined, line);
});

t.test('chapters, addenda, appendices and future dates are told from sentences about them', async (t) => {
  t.same(chapterHeading('제3장의2 전자금융업'), { level: 1, text: '제3장의2 전자금융업' });
  t.equal(chapterHeading('제2편 제1장의 죄를 범한 자로 본다.'), undefined);
  t.ok(isAddendumStart('부칙 <제19734호,2023. 9. 14.>'));
  t.ok(isAddendumStart('부칙(국회법) <제20372호,2024. 3. 12.>'));
  t.notOk(isAddendumStart('부칙 제2조제2항 중 “가”를 “나”로 한다.'));
  t.equal(appendixLabel('[별표 1] 과징금의 산정기준'), '별표 1');
  t.equal(appendixLabel('별표 1의 비고란 제1호를 삭제한다.'), undefined);
  t.equal(futureDate('[시행일: 2025. 10. 2.] 제31조의2'), '2025-10-02');
  t.equal(futureDate('[시행일 : 금융보안원이 성립한 날] 제37조의4제1항'), '');
});
