/** Scores that are best where the probabilities are true ones (Gneiting, Raftery 2007). */
import { mean } from './mean.js';

/** Brier (1950), of the picked choice alone: mean of (confidence − right or not)². 0 is best; 0.25 says nothing. */
export function brierScore(answers: readonly { confidence: number; correct: boolean }[]): number {
  return mean(answers.map(({ confidence, correct }) => (confidence - Number(correct)) ** 2));
}

/** Least probability that is counted: one choice held impossible must not make the whole mean −∞. */
const leastProbability = 1e-6;

/** Mean natural logarithm of the probabilities of the right choices; 0 is best. */
export function meanLogLikelihood(probabilities: readonly number[]): number {
  return mean(probabilities.map((probability) => Math.log(Math.max(leastProbability, probability))));
}
