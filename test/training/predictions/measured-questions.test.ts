import t from 'tap';
import { splitChoices } from '../../../shared/question/choices.js';
import {
  dealt,
  questionOf,
  sample,
  splitQuestions,
} from '../../../training/predictions/measured-questions.js';
import { openQuestion, smallQuestion } from '../../fixtures/small-questions.js';

t.test(
  'a question is asked as it comes over the wire, and its key stays its key however it is dealt',
  async (t) => {
    const pair = smallQuestion('one', { answer: '2', choices: ['가', '나', '다', '라', '마'] });
    const question = questionOf(pair);
    const right = (each: typeof question): string =>
      splitChoices(each.text).choices.find(({ number }) => String(number) === each.answer)!.text;
    t.match(question, {
      id: 'one',
      answer: '2',
      isOpen: false,
      negated: false,
      form: 'test',
      keywords: null,
    });
    t.equal(right(question), '나');
    t.equal(dealt(question, 0, 7), question, 'as written');
    const orders = new Set<string>();
    for (let deal = 1; deal <= 30; deal++) {
      const other = dealt(question, deal, 7);
      t.equal(right(other), '나');
      orders.add(other.text);
      t.equal(dealt(question, deal, 7).text, other.text, 'the same by the seed');
    }
    t.ok(orders.size > 20, `${orders.size} orders of 120`);
    t.not(dealt(question, 1, 8).text, dealt(question, 1, 7).text);
    const open = questionOf(openQuestion());
    t.equal(dealt(open, 1, 7), open);
  },
);

t.test('a sample keeps the order, is the same by the seed, and is all where there are no more', async (t) => {
  const pairs = Array.from({ length: 40 }, (_, i) =>
    smallQuestion(`${i}`, { split: i % 2 === 0 ? 'validation' : 'train' }),
  );
  const ids = (count: number, seed = 1) =>
    splitQuestions(pairs, 'validation', { count, seed }).map(({ id }) => Number(id));
  t.equal(ids(100).length, 20);
  const some = ids(6);
  t.equal(some.length, 6);
  t.strictSame(
    [...some].sort((a, b) => a - b),
    some,
  );
  t.ok(some.every((id) => id % 2 === 0));
  t.strictSame(ids(6), some);
  t.notSame(ids(6, 2), some);
  t.strictSame(sample([1, 2, 3], 0, 1), []);
});
