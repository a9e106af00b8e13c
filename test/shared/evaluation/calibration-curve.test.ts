import t from 'tap';
import { calibrationCurve } from '../../../shared/evaluation/calibration-curve.js';

t.test('answers fall into bins by their confidence, and the gaps make up the expected error', async (t) => {
  const answers = [
    ...[0.31, 0.39].map((confidence) => ({ confidence, correct: false })),
    { confidence: 0.35, correct: true },
    ...[0.9, 1].map((confidence) => ({ confidence, correct: true })),
    { confidence: 0.3, correct: true },
  ];
  const { bins, expectedError } = calibrationCurve(answers);
  t.equal(bins.length, 10);
  t.match(bins[0], { from: 0, to: 0.1, answers: 0, confidence: null, accuracy: null });
  t.match(bins[3], { answers: 4, accuracy: 0.5 });
  t.ok(Math.abs(bins[3]!.confidence! - 0.3375) < 1e-12);
  t.match(bins[9], { from: 0.9, to: 1, answers: 2, confidence: 0.95, accuracy: 1 });
  t.ok(Math.abs(expectedError - (4 * 0.1625 + 2 * 0.05) / 6) < 1e-12, `${expectedError}`);
});
