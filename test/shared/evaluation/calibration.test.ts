import t from 'tap';
import { expectedCalibrationError } from '../../../shared/evaluation/calibration.js';

const near = (value: number, expected: number): boolean => Math.abs(value - expected) < 1e-12;
const answer = (confidence: number, correct: boolean) => ({ confidence, correct });

t.test('a worked example', async (t) => {
  // Bin 0.6..0.7: accuracy 1/2, confidence 0.65 → 0.15 of 2 answers. Bin 0.9..1: 1/3, (0.9+0.95+1)/3 = 0.95 → 3 answers.
  const answers = [
    answer(0.62, true),
    answer(0.68, false),
    answer(0.9, true),
    answer(0.95, false),
    answer(1, false),
  ];
  t.ok(near(expectedCalibrationError(answers), (2 / 5) * 0.15 + (3 / 5) * (0.95 - 1 / 3)));
});

t.test('right answers at confidence 1 and wrong ones at 0 are calibrated', async (t) => {
  t.equal(expectedCalibrationError([answer(1, true), answer(0, false)]), 0);
  t.equal(expectedCalibrationError([answer(1, false), answer(0, true)]), 1);
  t.equal(expectedCalibrationError([]), 0);
});

t.test('errors cancel within a bin, not across bins', async (t) => {
  t.ok(near(expectedCalibrationError([answer(0.5, true), answer(0.5, false)]), 0));
  t.ok(near(expectedCalibrationError([answer(0.4, true), answer(0.6, false)]), 0.6));
  t.ok(near(expectedCalibrationError([answer(0.4, true), answer(0.6, false)], 1), 0));
});
