import t from 'tap';
import {
  adnominal,
  modalOf,
  obliged,
  turned,
} from '../../../../../training/synthesis/statute-teacher/language/modal.js';

t.test('the end of a sentence says what must, may and may not be done', async (t) => {
  t.equal(modalOf('신고서를 제출하여야 한다.'), 'duty');
  t.equal(modalOf('신고서를 제출해야 한다.'), 'duty');
  t.equal(modalOf('거부하여서는 아니 된다.'), 'prohibition');
  t.equal(modalOf('거부하지 못한다.'), 'prohibition');
  t.equal(modalOf('제한할 수 없다.'), 'prohibition');
  t.equal(modalOf('설치하지 아니하여야 한다.'), 'prohibition');
  t.equal(modalOf('명할 수 있다.'), 'permission');
  t.equal(modalOf('적용하지 아니한다.'), 'denial');
  t.equal(modalOf('임기는 3년으로 한다.'), 'plain');
});

t.test('a sentence is turned into what it rules out', async (t) => {
  const cases: [string, string | null][] = [
    ['제출하여야 한다.', '제출하지 아니할 수 있다.'],
    ['알려야 한다.', '알리지 아니할 수 있다.'],
    ['갖추어야 한다.', '갖추지 아니할 수 있다.'],
    ['내야 한다.', '내지 아니할 수 있다.'],
    ['보내야 한다.', '보내지 아니할 수 있다.'],
    ['거부하여서는 아니 된다.', '거부할 수 있다.'],
    ['받아서는 아니 된다.', '받을 수 있다.'],
    ['거부하지 못한다.', '거부할 수 있다.'],
    ['제한할 수 없다.', '제한할 수 있다.'],
    ['제한할 수 있다.', '제한할 수 없다.'],
    ['통지하지 아니할 수 있다.', '통지하여야 한다.'],
    ['적용하지 아니한다.', '적용한다.'],
    ['책임을 진다.', '책임을 지지 아니한다.'],
    ['동의한 것으로 본다.', '동의한 것으로 보지 아니한다.'],
    ['임기는 3년으로 한다.', null],
    ['우러러야 한다.', null],
  ];
  for (const [sentence, expected] of cases) t.equal(turned(sentence), expected, sentence);
});

t.test('what may be done is made a duty', async (t) => {
  t.equal(obliged('취소할 수 있다.'), '취소하여야 한다.');
  t.equal(obliged('알릴 수 있다.'), '알려야 한다.');
  t.equal(obliged('통지하지 아니할 수 있다.'), null);
  t.equal(obliged('취소하여야 한다.'), null);
});

t.test('a predicate is put before a noun', async (t) => {
  t.equal(adnominal('신고하여야 한다.'), '신고하여야 하는');
  t.equal(adnominal('명할 수 있다.'), '명할 수 있는');
  t.equal(adnominal('받는다.'), '받는');
  t.equal(adnominal('심의한다.'), '심의하는');
  t.equal(adnominal('다음과 같다.'), null);
});
