import t from 'tap';
import { nearness } from '../../../shared/answering/nearness.js';
import { seededRandom } from '../../../shared/random.js';

const dimension = 3;
const random = seededRandom(3);

function unitRows(count: number): number[][] {
  return Array.from({ length: count }, () => {
    const row = Array.from({ length: dimension }, () => random() * 2 - 1);
    const norm = Math.hypot(...row);
    return row.map((value) => value / norm);
  });
}
const flat = (rows: number[][]): Float32Array => Float32Array.from(rows.flat());
const dot = (a: number[], b: number[]): number =>
  a.reduce((sum, value, d) => sum + value * (b[d] as number), 0);

t.test('cosines are those of plain loops over rows', async (t) => {
  for (let round = 0; round < 20; round++) {
    const choices = 2 + (round % 4);
    const windows = unitRows(1 + (round % 7));
    const stem = unitRows(1)[0] as number[];
    const alone = unitRows(choices);
    const together = unitRows(choices);
    const near = nearness(flat([stem, ...alone, ...together]), flat(windows), dimension);
    t.equal(near.length, choices);
    for (const [i, found] of near.entries()) {
      const cosines = windows.map((window) => dot(alone[i] as number[], window));
      const expected = {
        nearest: Math.max(0, ...cosines),
        meanNearness: cosines.reduce((sum, value) => sum + value, 0) / cosines.length,
        nearStem: dot(stem, alone[i] as number[]),
        nearestTogether: Math.max(0, ...windows.map((window) => dot(together[i] as number[], window))),
      };
      for (const name of Object.keys(expected) as (keyof typeof expected)[])
        t.ok(Math.abs(found[name] - expected[name]) < 1e-6, `${name} of choice ${i}`);
    }
  }
});

t.test('without windows only the stem is near', async (t) => {
  const asked = flat([
    [1, 0, 0],
    [0.6, 0.8, 0],
    [0, 1, 0],
    [1, 0, 0],
    [1, 0, 0],
  ]);
  const near = nearness(asked, new Float32Array(0), dimension);
  t.strictSame(
    near.map(({ nearStem }) => Math.round(nearStem * 1e6) / 1e6),
    [0.6, 0],
  );
  for (const { nearest, meanNearness, nearestTogether } of near)
    t.strictSame([nearest, meanNearness, nearestTogether], [0, 0, 0]);
});
