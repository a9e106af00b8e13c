import t from 'tap';
import { compareBm25, rankingDifference, zipfWorkload } from '../../bench/bm25.js';

t.test('a ranking may differ from the expected one in ties only', async (t) => {
  const expected = { rows: [4, 2, 7], scores: [3, 2, 2] };
  t.equal(rankingDifference(expected, { rows: [4, 7, 2], scores: [3, 2, 2] }), null);
  t.equal(rankingDifference(expected, { rows: [4, 2, 9], scores: [3, 2, 2] }), null);
  t.match(rankingDifference(expected, { rows: [2, 4, 7], scores: [3, 2, 2] }), /row 2/);
  t.match(rankingDifference(expected, { rows: [9, 2, 7], scores: [3, 2, 2] }), /row 9/);
  t.match(rankingDifference(expected, { rows: [4, 2, 7], scores: [3, 2, 1.9] }), /score 1.9/);
  t.match(rankingDifference(expected, { rows: [4, 2, 7], scores: [3, 2, Number.NaN] }), /NaN/);
  t.match(rankingDifference(expected, { rows: [4, 2], scores: [3, 2] }), /2 hits/);
});

t.test('the bench runs small and leaves the peer out where no Python is named for it', async (t) => {
  const result = compareBm25(zipfWorkload(200, 20, 5));
  t.equal(result.frozen.calls, 5);
  t.ok(result.wink.p50Ms > 0);
  t.same(result.bm25s, []);
});
