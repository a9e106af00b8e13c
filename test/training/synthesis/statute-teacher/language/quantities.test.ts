import t from 'tap';
import {
  quantitiesIn,
  quantityKeys,
} from '../../../../../training/synthesis/statute-teacher/language/quantities.js';

const texts = (text: string) => quantitiesIn(text).map((quantity) => quantity.text);

t.test('periods, amounts, shares and counts are found', async (t) => {
  t.same(texts('요청을 받은 날부터 2주 이내에'), ['2주']);
  t.same(texts('자기자본의 100분의 10 이상 또는 3천만원 이하'), ['100분의 10', '3천만원']);
  t.same(texts('출석위원 3분의 2 이상의 찬성으로, 위원 9명 이내'), ['3분의 2', '9명']);
  t.same(texts('3년 이하의 징역 또는 1억원 이하의 벌금'), ['3년', '1억원']);
});

t.test('ordinals, dates and articles are none', async (t) => {
  t.same(texts('제3자에게 2019년 1월 1일 제5조제2항에 따라'), []);
  t.same(texts('매년 12월 31일까지'), []);
});

t.test('equal quantities share a key, however they are written', async (t) => {
  t.same(quantityKeys('12개월 이내'), quantityKeys('1년 이내'));
  t.same(quantityKeys('2주 이내'), quantityKeys('14일 이내'));
  t.same(quantityKeys('100분의 5'), quantityKeys('5퍼센트'));
  t.same(quantityKeys('3천만원'), quantityKeys('30,000,000원'));
  t.notSame(quantityKeys('1개월'), quantityKeys('1년'));
});

t.test('alternatives are of the same kind, and none of them equal', async (t) => {
  for (const text of ['2주 이내', '100분의 10 이상', '3천만원', '3분의 2 이상', '9명 이내', '6개월']) {
    const [quantity] = quantitiesIn(text);
    t.ok(quantity && quantity.alternatives.length >= 3, text);
    for (const other of quantity?.alternatives ?? []) {
      t.equal(quantitiesIn(`${other} 이내`)[0]?.kind, quantity?.kind, other);
      t.notOk(quantityKeys(`${other} 이내`).has(quantity?.key ?? ''), other);
    }
  }
});
