import t from 'tap';
import { confidentHalfAccuracy } from '../../../shared/evaluation/confident-half.js';
import { mean } from '../../../shared/evaluation/mean.js';
import { brierScore, meanLogLikelihood } from '../../../shared/evaluation/proper-scores.js';

const near = (value: number, expected: number): boolean => Math.abs(value - expected) < 1e-12;
const answer = (confidence: number, correct: boolean) => ({ confidence, correct });

t.test('the surer half is counted, in whatever order it comes', async (t) => {
  const answers = [answer(0.2, false), answer(0.9, true), answer(0.8, false), answer(0.3, true)];
  t.equal(confidentHalfAccuracy(answers), 0.5);
  t.equal(confidentHalfAccuracy([...answers].reverse()), 0.5);
  t.equal(confidentHalfAccuracy([...answers, answer(0.95, true)]), 2 / 3, 'three of five');
  t.equal(confidentHalfAccuracy([answer(0.1, true)]), 1);
  t.equal(confidentHalfAccuracy([]), null);
});

t.test('answers that are equally sure count for their shares', async (t) => {
  // One seat is for 0.9; of the three at 0.5, of which one is right, one seat is left.
  const tied = [answer(0.5, true), answer(0.5, false), answer(0.9, true), answer(0.5, false)];
  t.ok(near(confidentHalfAccuracy(tied)!, (1 + 1 / 3) / 2));
  t.equal(confidentHalfAccuracy(tied), confidentHalfAccuracy([...tied].reverse()));
});

t.test('proper scores by hand', async (t) => {
  t.ok(near(brierScore([answer(0.8, true), answer(0.4, false)]), (0.04 + 0.16) / 2));
  t.ok(near(meanLogLikelihood([0.5, 0.25]), (Math.log(0.5) + Math.log(0.25)) / 2));
  t.equal(meanLogLikelihood([0]), Math.log(1e-6), 'not −∞');
  t.equal(mean([]), 0);
});
