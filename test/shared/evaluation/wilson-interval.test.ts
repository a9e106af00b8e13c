import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { rateOf, rateText } from '../../../shared/evaluation/wilson-interval.js';

const reference = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../reference/gates/proportions.json'), 'utf8'),
) as { wilson: { correct: number; questions: number; interval: [number, number] }[] };

t.test('the interval of a share is that of SciPy', async (t) => {
  for (const { correct, questions, interval } of reference.wilson) {
    const { rate, low, high } = rateOf(correct, questions);
    t.equal(rate, correct / questions);
    // SciPy takes z from its own inverse of the normal distribution.
    t.ok(Math.abs(low - interval[0]) < 1e-12, `${correct} of ${questions}: ${low}, ${interval[0]}`);
    t.ok(Math.abs(high - interval[1]) < 1e-12, `${correct} of ${questions}: ${high}, ${interval[1]}`);
  }
});

t.test('no question says nothing', async (t) => {
  t.strictSame(rateOf(0, 0), { correct: 0, questions: 0, rate: 0, low: 0, high: 1 });
  t.equal(rateText(rateOf(7, 10)), '0.700 (0.40 to 0.89)');
});
