import t from 'tap';
import { ndcgAt, recallAt, reciprocalRank } from '../../../shared/retrieval/metrics.js';

const ranked = ['a', 'b', 'c', 'd', 'e'];
const near = (value: number, expected: number): boolean => Math.abs(value - expected) < 1e-12;

t.test('recall is the share of the relevant among the first k', async (t) => {
  t.equal(recallAt(5, ranked, new Set(['b'])), 1);
  t.equal(recallAt(1, ranked, new Set(['b'])), 0);
  t.equal(recallAt(2, ranked, new Set(['b', 'e'])), 0.5);
  t.equal(recallAt(5, ranked, new Set(['b', 'x'])), 0.5);
  t.equal(recallAt(5, ['b', 'b', 'b'], new Set(['b', 'c'])), 0.5, 'a repeated hit counts once');
  t.equal(recallAt(5, [], new Set(['b'])), 0);
  t.equal(recallAt(5, ranked, new Set()), 0);
});

t.test('the reciprocal rank is that of the first relevant item', async (t) => {
  t.equal(reciprocalRank(ranked, new Set(['a', 'b'])), 1);
  t.equal(reciprocalRank(ranked, new Set(['d', 'c'])), 1 / 3);
  t.equal(reciprocalRank(ranked, new Set(['x'])), 0);
  t.equal(reciprocalRank([], new Set(['x'])), 0);
});

t.test('nDCG is 1 for the best order, and falls with the logarithm of the rank', async (t) => {
  t.equal(ndcgAt(10, ranked, new Set(['a', 'b', 'c'])), 1);
  t.ok(near(ndcgAt(10, ranked, new Set(['c'])), 1 / 2));
  t.ok(near(ndcgAt(10, ranked, new Set(['b'])), 1 / Math.log2(3)));
  // Ranks 2 and 5 of two relevant: (1/log2 3 + 1/log2 6) / (1/log2 2 + 1/log2 3).
  t.ok(
    near(
      ndcgAt(10, ranked, new Set(['b', 'e'])),
      (1 / Math.log2(3) + 1 / Math.log2(6)) / (1 + 1 / Math.log2(3)),
    ),
  );
  t.ok(near(ndcgAt(2, ranked, new Set(['b', 'e'])), 1 / Math.log2(3) / (1 + 1 / Math.log2(3))));
  t.equal(ndcgAt(1, ranked, new Set(['a', 'b', 'c'])), 1, 'the ideal is cut at k as well');
  t.equal(ndcgAt(10, ['a', 'a', 'a'], new Set(['a'])), 1, 'a repeated hit gains nothing');
  t.equal(ndcgAt(10, ranked, new Set(['x'])), 0);
  t.equal(ndcgAt(10, ranked, new Set()), 0);
});
