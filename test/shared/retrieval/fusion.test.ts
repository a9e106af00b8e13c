import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import { fuseMinMax, fuseReciprocalRank, type RankedList } from '../../../shared/retrieval/fusion.js';

/** Best first, as every index returns them; scores repeat now and then. */
function randomList(random: () => number, rows: number): RankedList {
  const chosen = Array.from({ length: rows }, (_, row) => row).filter(() => random() < 0.6);
  const hits = chosen.map((row) => ({ row, score: Math.floor(random() * 8) - 3 }));
  hits.sort((a, b) => b.score - a.score || a.row - b.row);
  return { rows: hits.map(({ row }) => row), scores: hits.map(({ score }) => score) };
}

function randomCases(check: (lists: RankedList[], weights: number[], random: () => number) => void): void {
  const random = seededRandom(5);
  for (let round = 0; round < 400; round++) {
    const lists = Array.from({ length: 1 + Math.floor(random() * 3) }, () => randomList(random, 12));
    check(
      lists,
      lists.map(() => (random() < 0.2 ? 0 : random())),
      random,
    );
  }
}

/** The formula as it stands in the paper, one row at a time, then a plain sort. */
function slowly(
  lists: readonly RankedList[],
  part: (list: RankedList, at: number, index: number) => number,
): { row: number; fused: number }[] {
  const rows = [...new Set(lists.flatMap((list) => Array.from(list.rows)))];
  const hits = rows.map((row) => {
    let fused = 0;
    for (const [index, list] of lists.entries()) {
      const at = Array.from(list.rows).indexOf(row);
      if (at >= 0) fused += part(list, at, index);
    }
    return { row, fused };
  });
  return hits.sort((a, b) => b.fused - a.fused || a.row - b.row);
}

function differs(got: readonly { row: number; fused: number }[], expected: typeof got): boolean {
  return (
    got.length !== expected.length ||
    got.some(({ fused }, i) => Math.abs(fused - (expected[i]?.fused ?? Number.NaN)) > 1e-12) ||
    got.some(
      ({ row, fused }, i) =>
        row !== expected[i]?.row && fused !== got[i - 1]?.fused && fused !== got[i + 1]?.fused,
    )
  );
}

t.test('min-max fusion is the formula, whatever the lists', async (t) => {
  randomCases((lists, weights) => {
    const expected = slowly(lists, (list, at, index) => {
      const scores = Array.from(list.scores);
      const min = Math.min(...scores);
      const max = Math.max(...scores);
      return (weights[index] as number) * (max === min ? 1 : ((scores[at] as number) - min) / (max - min));
    });
    const got = fuseMinMax(lists, weights);
    if (differs(got, expected)) t.same(got, expected);
  });
  t.pass('400 cases');
});

t.test('rank fusion is the formula, whatever the lists, and stays within 0..1', async (t) => {
  randomCases((lists, weights, random) => {
    const k = 1 + Math.floor(random() * 100);
    const highest = weights.reduce((sum, weight) => sum + weight / (k + 1), 0);
    const expected = slowly(lists, (_, at, index) =>
      highest === 0 ? 0 : (weights[index] as number) / (k + at + 1) / highest,
    );
    const got = fuseReciprocalRank(lists, weights, k);
    if (differs(got, expected)) t.same(got, expected);
    if (got.some(({ fused }) => fused < 0 || fused > 1 + 1e-12)) t.fail('outside 0..1');
  });
  t.pass('400 cases');
});

t.test('a worked example', async (t) => {
  const bm25 = { rows: [7, 3, 9], scores: [12, 8, 4] };
  const faiss = { rows: [3, 5], scores: [0.9, 0.4] };
  t.strictSame(fuseMinMax([bm25, faiss], [0.3, 0.7]), [
    { row: 3, fused: 0.3 * 0.5 + 0.7, raw: [8, 0.9] },
    { row: 7, fused: 0.3, raw: [12, null] },
    { row: 5, fused: 0, raw: [null, 0.4] },
    { row: 9, fused: 0, raw: [4, null] },
  ]);
  const [first, second] = fuseReciprocalRank([bm25, faiss], [1, 1], 60);
  t.strictSame([first?.row, second?.row], [3, 7]);
  t.ok(Math.abs((first?.fused ?? 0) - (1 / 62 + 1 / 61) / (2 / 61)) < 1e-12);
  t.ok(Math.abs((second?.fused ?? 0) - 0.5) < 1e-12);
});

t.test('equal scores all count as 1, and ties keep the smaller row first', async (t) => {
  const equal = { rows: [9, 2, 5], scores: [3, 3, 3] };
  t.strictSame(
    fuseMinMax([equal], [0.5]).map(({ row, fused }) => [row, fused]),
    [
      [2, 0.5],
      [5, 0.5],
      [9, 0.5],
    ],
  );
  t.strictSame(fuseMinMax([{ rows: [4], scores: [0] }], [1]), [{ row: 4, fused: 1, raw: [0] }]);
});

t.test('a list of weight 0 adds candidates but no score; empty lists add nothing', async (t) => {
  const one = { rows: [1, 2], scores: [2, 1] };
  const other = { rows: [3, 4], scores: [2, 1] };
  for (const fused of [fuseMinMax([one, other], [1, 0]), fuseReciprocalRank([one, other], [1, 0], 60)]) {
    t.equal(fused[0]?.row, 1);
    t.strictSame(
      fused.filter(({ row }) => row > 2).map((hit) => hit.fused),
      [0, 0],
    );
  }
  const empty = { rows: [], scores: [] };
  t.strictSame(fuseMinMax([empty, empty], [1, 1]), []);
  t.strictSame(fuseReciprocalRank([empty], [1], 60), []);
  t.strictSame(
    fuseReciprocalRank([one], [0], 60).map(({ fused }) => fused),
    [0, 0],
  );
});

t.test('typed arrays are lists as well', async (t) => {
  const typed = { rows: Uint32Array.of(8, 1), scores: Float32Array.of(0.5, 0.25) };
  t.strictSame(
    fuseMinMax([typed], [1]).map(({ row, fused }) => [row, fused]),
    [
      [8, 1],
      [1, 0],
    ],
  );
});
