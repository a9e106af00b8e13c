import t from 'tap';
import type { Block, ParsedDocument } from '../../../training/documents/document.js';
import { parseStatute } from '../../../training/statute/parse-statute.js';

function printed(...lines: string[]): ParsedDocument {
  const blocks: Block[] = lines.map((text) => ({ kind: 'paragraph', text }));
  return { title: '', effective: '', blocks, lines, warnings: [] };
}

t.test(
  'title, dates and offices are metadata, chapters are context, the rest belongs to its article',
  async (t) => {
    const statute = parseStatute(
      printed(
        '시험법',
        '[시행 2024. 9. 15.] [법률 제19734호, 2023. 9. 14., 일부개정]',
        '금융위원회 (시험과) 02-000-0000',
        '제1장 총칙',
        '제1조(목적) 이 법은 시험한다.',
        '제1절 정의',
        '제2조(정의) 용어는 다음과 같다.',
        '1. 하나',
        '가. 둘',
        '[전문개정 2020. 1. 1.]',
        '제2장 벌칙',
        '제3조 삭제 <2020. 1. 1.>',
      ),
      '시험법',
    );
    t.equal(statute.effective, '2024-09-15');
    t.equal(statute.metadata.length, 3);
    t.match(statute.articles, [
      { label: '제1조', heading: '목적', chapterPath: ['제1장 총칙'], text: '이 법은 시험한다.' },
      {
        label: '제2조',
        chapterPath: ['제1장 총칙', '제1절 정의'],
        text: '용어는 다음과 같다.\n1. 하나\n가. 둘\n[전문개정 2020. 1. 1.]',
      },
      { label: '제3조', chapterPath: ['제2장 벌칙'], deleted: true },
    ]);
  },
);

t.test('a start that falls back in number is a quotation', async (t) => {
  const statute = parseStatute(
    printed(
      '제1조(목적) 가',
      '제2조(정의) 나',
      '제3조(범위) 다',
      '제2조(정의) 중 일부를 말한다.',
      '제4조(기타) 라',
    ),
    '시험법',
  );
  t.same(
    statute.articles.map((article) => article.label),
    ['제1조', '제2조', '제3조', '제4조'],
  );
  t.match(statute.articles[2]?.text, /제2조\(정의\) 중 일부/);
  t.equal(statute.warnings.length, 1);
});

t.test(
  'addenda count from 1 again, keep quoted articles as text, and stay apart from each other',
  async (t) => {
    const statute = parseStatute(
      printed(
        '제1조(목적) 가',
        '제2조(정의) 나',
        '부칙 <제1호, 2020. 1. 1.>',
        '제1조(시행일) 이 법은 공포한 날부터 시행한다.',
        '제2조 부터 제4조까지 생략',
        '제5조(다른 법률의 개정) 시험법 일부를 다음과 같이 개정한다.',
        '제32조의2(신설) 다음과 같다.',
        '제9조(엉뚱) 인용',
        '제6조(경과조치) 끝',
        '부칙 <제2호, 2021. 1. 1.>',
        '이 법은 공포한 날부터 시행한다.',
      ),
      '시험법',
    );
    t.same(
      statute.articles.map((article) => article.label),
      ['제1조', '제2조'],
    );
    t.same(
      statute.addenda.map((addendum) => [
        addendum.label,
        addendum.text,
        addendum.articles.map((a) => a.label),
      ]),
      [
        ['부칙 <제1호, 2020. 1. 1.>', '', ['제1조', '제2조', '제5조', '제6조']],
        ['부칙 <제2호, 2021. 1. 1.>', '이 법은 공포한 날부터 시행한다.', []],
      ],
    );
    t.match(statute.addenda[0]?.articles[2]?.text, /제32조의2\(신설\)[\s\S]*제9조\(엉뚱\)/);
  },
);

t.test('an article printed twice is kept twice, and the one to come carries its date', async (t) => {
  const statute = parseStatute(
    printed(
      '제1조(목적) 가',
      '제2조(정의) 옛 글',
      '제2조(정의) 새 글',
      '[시행일: 2025. 10. 2.] 제2조',
      '제3조(기타) 라',
    ),
    '시험법',
  );
  t.match(statute.articles, [
    {},
    { label: '제2조', text: '옛 글' },
    { label: '제2조', variantEffective: '2025-10-02', hasTwin: true },
    {},
  ]);
  t.equal(statute.articles[1]?.variantEffective, undefined);
});

t.test('a chapter name inside a sentence does not end the article', async (t) => {
  const statute = parseStatute(
    printed('제1조(목적) 형법 제2편 중', '제1장 내란의 죄', '제2장 외환의 죄를 말한다.', '제2조(정의) 나'),
    '시험법',
  );
  t.match(statute.articles[0]?.text, /제1장 내란의 죄\n제2장 외환의 죄를 말한다/);
});
