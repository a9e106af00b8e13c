import t from 'tap';
import {
  interleaved,
  questionDeck,
  questionsOfSplits,
} from '../../../../training/synthesis/writing/question-deck.js';

const shares = { open: 0.1, negated: 0.4, fiveChoice: 0.5 };

t.test('the shares come about to the question, and every position as often', async (t) => {
  for (const [count, seed] of [
    [200, 1],
    [37, 2],
    [1000, 3],
    [1, 4],
    [0, 5],
  ] as const) {
    const deck = questionDeck(count, shares, seed);
    t.equal(deck.length, count);
    const closed = deck.filter(({ open }) => !open);
    t.equal(count - closed.length, Math.round(count * 0.1));
    t.equal(closed.filter(({ choices }) => choices === 5).length, Math.round(closed.length * 0.5));
    t.equal(closed.filter(({ negated }) => negated).length, Math.round(closed.length * 0.4));
    for (const choices of [4, 5]) {
      const positions = closed.filter((wanted) => wanted.choices === choices).map(({ position }) => position);
      const counts = Array.from({ length: choices }, (_, i) => positions.filter((p) => p === i + 1).length);
      t.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join());
    }
  }
});

t.test('among the negated, positions and numbers of choices are as balanced', async (t) => {
  const negated = questionDeck(1000, shares, 7).filter((wanted) => wanted.negated);
  t.equal(negated.filter(({ choices }) => choices === 5).length, negated.length / 2);
  for (let position = 1; position <= 4; position++) {
    const count = negated.filter((w) => w.choices === 4 && w.position === position).length;
    t.ok(Math.abs(count - negated.length / 8) <= 1, String(count));
  }
});

t.test('the order is that of the seed', async (t) => {
  t.same(questionDeck(50, shares, 1), questionDeck(50, shares, 1));
  t.notSame(questionDeck(50, shares, 1), questionDeck(50, shares, 2));
});

t.test('small runs have enough to measure with', async (t) => {
  const of = (questions: number) => questionsOfSplits(questions, { calibration: 0.1, validation: 0.1 });
  t.same(of(2000), { train: 1600, calibration: 200, validation: 200 });
  t.same(of(100), { train: 60, calibration: 20, validation: 20 });
  t.same(of(40), { train: 20, calibration: 10, validation: 10 });
  t.same(of(1), { train: 1, calibration: 0, validation: 0 });
  t.same(questionsOfSplits(100, { calibration: 0, validation: 1 }), {
    train: 0,
    calibration: 0,
    validation: 100,
  });
});

t.test('the small splits are spread among the large one', async (t) => {
  const deck = (count: number) => questionDeck(count, shares, 1);
  const all = interleaved({ train: deck(80), calibration: deck(10), validation: deck(10) });
  t.equal(all.length, 100);
  for (let start = 0; start < 100; start += 20) {
    const some = all.slice(start, start + 20).filter(({ split }) => split === 'validation');
    t.ok(some.length >= 1 && some.length <= 3);
  }
});
