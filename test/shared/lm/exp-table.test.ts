import t from 'tap';
import { expNegative } from '../../../shared/lm/exp-table.js';
import { seededRandom } from '../../../shared/random.js';

t.test('agrees with Math.exp to 2e-10 over its whole range', async (t) => {
  const random = seededRandom(1);
  let worst = 0;
  for (let i = 0; i < 100_000; i++) {
    const x = -40 * random();
    worst = Math.max(worst, Math.abs(expNegative(x) / Math.exp(x) - 1));
  }
  t.ok(worst < 2e-10, `worst relative error ${worst}`);
});

t.test('is exact at 0, and 0 far below and for what is no number', async (t) => {
  t.equal(expNegative(0), 1);
  t.equal(expNegative(-40), 0);
  t.equal(expNegative(-1e9), 0);
  t.equal(expNegative(Number.NEGATIVE_INFINITY), 0);
  t.equal(expNegative(Number.NaN), 0);
  t.ok(expNegative(-39.999) > 0);
});

t.test('never grows as x falls by more than its error', async (t) => {
  let before = expNegative(0);
  for (let x = 0; x > -40; x -= 1 / 97) {
    const value = expNegative(x);
    if (value > before * (1 + 4e-10)) t.fail(`at ${x}: ${value} after ${before}`);
    before = value;
  }
});
