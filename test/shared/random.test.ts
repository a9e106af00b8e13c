import t from 'tap';
import { seededRandom } from '../../shared/random.js';

t.test('the same seed gives the same numbers, those of mulberry32', async (t) => {
  const random = seededRandom(42);
  // From the reference C code (Tommy Ettinger, public domain), divided by 2^32.
  t.strictSame(
    [random(), random(), random()].map((x) => Math.round(x * 2 ** 32)),
    [2581720956, 1925393290, 3661312704],
  );
});

t.test('numbers are uniform in 0..1', async (t) => {
  const random = seededRandom(1);
  const bins = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) {
    const x = random();
    if (x < 0 || x >= 1) t.fail(`${x} is outside 0..1`);
    bins[Math.floor(x * 10)]! += 1;
  }
  // A bin has 10,000 ± 95; five standard deviations.
  t.ok(
    bins.every((count) => Math.abs(count - 10_000) < 475),
    bins.join(' '),
  );
});

t.test('other seeds give other numbers', async (t) => {
  t.equal(new Set(Array.from({ length: 100 }, (_, seed) => seededRandom(seed)())).size, 100);
});
