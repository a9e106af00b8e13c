import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type LearningRateSchedule, learningRateAt } from '../../../training/optimizer/learning-rate.js';

interface Reference {
  cases: (LearningRateSchedule & { rates: number[] })[];
}

const reference = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../reference/training/learning_rate.json'), 'utf8'),
) as Reference;

t.test('every step has the learning rate of transformers', async (t) => {
  for (const { rates, ...schedule } of reference.cases) {
    t.equal(rates.length, schedule.totalSteps + 1);
    for (const [step, expected] of rates.entries()) {
      const actual = learningRateAt(schedule, step);
      // Both are double precision; only the order of a few operations differs.
      t.ok(
        Math.abs(actual - expected) <= 1e-15 * schedule.peak,
        `${schedule.kind} ${step}: ${actual}, ${expected}`,
      );
    }
  }
});

t.test('a line ends at its fraction of the peak, and stays there', async (t) => {
  const schedule = { kind: 'linear', peak: 2, warmupSteps: 2, totalSteps: 6, finalFraction: 0.25 } as const;
  const rates = Array.from({ length: 9 }, (_, step) => learningRateAt(schedule, step));
  t.strictSame(rates, [0, 1, 2, 1.625, 1.25, 0.875, 0.5, 0.5, 0.5]);
  t.equal(learningRateAt({ ...schedule, kind: 'cosine' }, 1_000), 0.5, 'and a cosine does not rise again');
});
