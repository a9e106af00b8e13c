/**
 * A choice model with its prior and temperature: the strength of the prior (l2) is chosen by cross-validated
 * log-likelihood, and so is the temperature (Guo et al. 2017), so that its probabilities hold for questions that it
 * has not seen.
 */
import { type ChoiceModel, softmax, utilities } from '../../shared/answering/choice-model.js';
import { seededRandom } from '../../shared/random.js';
import { type FitExample, fitChoiceModel } from './fit-choice-model.js';

const strengths = [1, 3, 10, 30, 100];
const folds = 10;
/** Fewer cannot be cross-validated. */
export const fewestExamples = folds;

export interface CalibratedFit {
  model: ChoiceModel;
  /** Utilities of each example's choices, from a model that has not seen it. */
  held: number[][];
}

/** @param options.log hears how well each strength does; examples: at least `fewestExamples`. */
export function fitCalibratedModel(
  examples: readonly FitExample[],
  options: { features: readonly string[]; description: string; log: (line: string) => void },
): CalibratedFit {
  const { features, description, log } = options;
  let best = { l2: 0, logLikelihood: -Infinity, accuracy: 0, utilities: [] as number[][] };
  for (const l2 of strengths) {
    const result = crossValidate(examples, l2);
    log(
      `l2 ${l2}: cross-validated accuracy ${result.accuracy.toFixed(3)}, log-likelihood ${result.logLikelihood.toFixed(4)}`,
    );
    if (result.logLikelihood > best.logLikelihood) best = { l2, ...result };
  }
  const { l2, accuracy, logLikelihood, utilities: held } = best;
  const model: ChoiceModel = {
    ...{ description, features: [...features], ...fitChoiceModel(examples, l2) },
    temperature: fitTemperature(examples, held),
    fit: { questions: examples.length, l2, accuracy, logLikelihood },
  };
  return { model: roundNumbers(model), held };
}

/** Utilities of every question from a model that has not seen it. */
function crossValidate(
  examples: readonly FitExample[],
  l2: number,
): { accuracy: number; logLikelihood: number; utilities: number[][] } {
  const random = seededRandom(7);
  const fold = examples.map(() => Math.floor(random() * folds));
  const held: number[][] = new Array(examples.length);
  for (let f = 0; f < folds; f++) {
    const weights = fitChoiceModel(
      examples.filter((_, i) => fold[i] !== f),
      l2,
    );
    const model = { ...weights, description: '', features: [], temperature: 1, fit: {} };
    for (const [i, { rows, negated }] of examples.entries())
      if (fold[i] === f) held[i] = utilities(model, rows, negated);
  }
  let right = 0;
  for (const [i, { key }] of examples.entries()) {
    const scores = held[i] as number[];
    if (scores.indexOf(Math.max(...scores)) === key) right++;
  }
  return {
    accuracy: right / examples.length,
    logLikelihood: meanLogLikelihood(examples, held, 1),
    utilities: held,
  };
}

/** The temperature of best cross-validated likelihood, by golden-section search over 0.3..3. */
function fitTemperature(examples: readonly FitExample[], held: readonly number[][]): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let low = 0.3;
  let high = 3;
  while (high - low > 1e-3) {
    const a = high - ratio * (high - low);
    const b = low + ratio * (high - low);
    if (meanLogLikelihood(examples, held, a) > meanLogLikelihood(examples, held, b)) high = b;
    else low = a;
  }
  return (low + high) / 2;
}

function meanLogLikelihood(
  examples: readonly FitExample[],
  held: readonly number[][],
  temperature: number,
): number {
  const logs = examples.map(({ key }, i) =>
    Math.log(softmax(held[i] as number[], temperature)[key] as number),
  );
  return logs.reduce((sum, value) => sum + value, 0) / logs.length;
}

/** Six significant digits are more than the data can tell, and keep the committed file readable. */
function roundNumbers<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_, inner: unknown) =>
    typeof inner === 'number' ? Number(inner.toPrecision(6)) : inner,
  ) as T;
}
