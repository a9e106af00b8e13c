/**
 * Temperature scaling (Guo et al. 2017): the one number T that makes softmax(u / T) likeliest on questions with
 * known answers. It changes no answer, only how sure of it the model says it is.
 *
 *   NLL(T) = − mean over questions of log softmax(u / T)[key]
 *
 * is convex in 1/T, so a golden-section search over log T finds its least; T stays within 0.02..50, where a few
 * questions without a mistake would drive it to 0.
 */
import { softmax } from '../../shared/answering/choice-model.js';
import { expectedCalibrationError } from '../../shared/evaluation/calibration.js';
import { seededRandom } from '../../shared/random.js';

export interface ScoredQuestion {
  /** One for each choice. */
  utilities: readonly number[];
  /** Index of the right choice. */
  key: number;
}

export interface CalibrationQuality {
  accuracy: number;
  negativeLogLikelihood: number;
  expectedCalibrationError: number;
}

const least = 0.02;
const most = 50;
/** A probability that underflows is no certainty. */
const smallest = 1e-12;

/** 1 where nothing is better. */
export function fitTemperature(questions: readonly ScoredQuestion[]): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let low = Math.log(least);
  let high = Math.log(most);
  while (high - low > 1e-4) {
    const a = high - ratio * (high - low);
    const b = low + ratio * (high - low);
    if (nll(questions, Math.exp(a)) < nll(questions, Math.exp(b))) high = b;
    else low = a;
  }
  const temperature = Math.exp((low + high) / 2);
  return nll(questions, temperature) < nll(questions, 1) - 1e-9 ? temperature : 1;
}

/** How good the probabilities are at a temperature, which may differ from question to question. */
export function calibrationQuality(
  questions: readonly ScoredQuestion[],
  temperature: number | readonly number[],
): CalibrationQuality {
  const at = (index: number): number =>
    typeof temperature === 'number' ? temperature : (temperature[index] as number);
  const answers = questions.map(({ utilities, key }, index) => {
    const probabilities = softmax(utilities, at(index));
    const confidence = Math.max(...probabilities);
    return {
      confidence,
      correct: probabilities.indexOf(confidence) === key,
      loss: -Math.log(Math.max(smallest, probabilities[key] as number)),
    };
  });
  const n = Math.max(1, answers.length);
  return {
    accuracy: answers.filter(({ correct }) => correct).length / n,
    negativeLogLikelihood: answers.reduce((sum, { loss }) => sum + loss, 0) / n,
    expectedCalibrationError: expectedCalibrationError(answers),
  };
}

/** The quality on questions that the temperature was not fitted on: folds, each at the temperature of the others. */
export function crossValidate(
  questions: readonly ScoredQuestion[],
  folds = 10,
  seed = 7,
): CalibrationQuality {
  const random = seededRandom(seed);
  const fold = questions.map(() => Math.floor(random() * folds));
  const temperatures = Array.from({ length: folds }, (_, f) =>
    fitTemperature(questions.filter((_, i) => fold[i] !== f)),
  );
  return calibrationQuality(
    questions,
    fold.map((f) => temperatures[f] as number),
  );
}

function nll(questions: readonly ScoredQuestion[], temperature: number): number {
  return calibrationQuality(questions, temperature).negativeLogLikelihood;
}
