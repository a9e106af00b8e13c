/** Figures of multiple-choice answers: how many are right, where, and whether the bundle knows. */
import { type CalibrationBin, calibrationCurve } from '../../shared/evaluation/calibration-curve.js';
import { confidentHalfAccuracy } from '../../shared/evaluation/confident-half.js';
import { groupedRates } from '../../shared/evaluation/grouped-rates.js';
import { mean } from '../../shared/evaluation/mean.js';
import { brierScore, meanLogLikelihood } from '../../shared/evaluation/proper-scores.js';
import { type Rate, rateOf } from '../../shared/evaluation/wilson-interval.js';
import { splitChoices } from '../../shared/question/choices.js';
import type { Answered } from './ask-questions.js';

/** A share of right answers with its Wilson interval of 95 %. */
export interface Accuracy {
  questions: number;
  correct: number;
  accuracy: number;
  accuracyLow: number;
  accuracyHigh: number;
}

export interface ChoiceFigures extends Accuracy {
  byDomain: Record<string, Accuracy>;
  /** `positiveStem`, `negatedStem`, `fourChoices`, `fiveChoices`, … */
  byType: Record<string, Accuracy>;
  /** Expected calibration error, ten bins. */
  ece: number;
  reliability: CalibrationBin[];
  meanConfidence: number;
  confidentHalfAccuracy: number;
  brier: number;
  /** Of the right choices; null where no answer came with probabilities. */
  logLikelihood: number | null;
  /** Over choices dealt anew, all deals together; null without. */
  shuffled: (Accuracy & { deals: number[] }) | null;
  trivial: { chance: number; longestChoice: number };
}

/** Null where there is no such question. */
export function choiceFigures(answered: readonly Answered[]): ChoiceFigures | null {
  const closed = answered.filter(({ question }) => !question.isOpen);
  const written = closed.filter(({ deal }) => deal === 0);
  if (written.length === 0) return null;
  const judged = written.map(({ prediction: { confidence, correct } }) => ({
    ...{ confidence, correct: correct === true },
  }));
  const { bins, expectedError } = calibrationCurve(judged);
  const likelihoods = written.flatMap(({ prediction: { probabilities, expected } }) =>
    probabilities.length === 0 ? [] : [probabilities[Number(expected) - 1] ?? 0],
  );
  return {
    ...accuracyOf(written),
    byDomain: accuracies(written, ({ question }) => question.domain),
    byType: {
      ...accuracies(written, ({ question }) => (question.negated ? 'negatedStem' : 'positiveStem')),
      ...accuracies(written, ({ question }) => choicesName(question.choiceCount)),
    },
    ...{ ece: expectedError, reliability: bins.filter(({ answers }) => answers > 0) },
    meanConfidence: mean(judged.map(({ confidence }) => confidence)),
    confidentHalfAccuracy: confidentHalfAccuracy(judged) ?? 0,
    brier: brierScore(judged),
    logLikelihood: likelihoods.length === 0 ? null : meanLogLikelihood(likelihoods),
    shuffled: shuffledFigures(closed),
    trivial: {
      chance: mean(written.map(({ question }) => 1 / question.choiceCount)),
      longestChoice: mean(written.map(({ question }) => Number(longestChoice(question) === question.answer))),
    },
  };
}

function shuffledFigures(closed: readonly Answered[]): ChoiceFigures['shuffled'] {
  const dealt = closed.filter(({ deal }) => deal > 0);
  if (dealt.length === 0) return null;
  const deals = new Map<number, Answered[]>();
  for (const each of dealt) deals.set(each.deal, [...(deals.get(each.deal) ?? []), each]);
  return { ...accuracyOf(dealt), deals: [...deals.values()].map((list) => accuracyOf(list).accuracy) };
}

function accuracyOf(answered: readonly Answered[]): Accuracy {
  return asAccuracy(rateOf(answered.filter(isCorrect).length, answered.length));
}

function accuracies(
  answered: readonly Answered[],
  nameOf: (each: Answered) => string,
): Record<string, Accuracy> {
  const groups = groupedRates(answered, nameOf, isCorrect);
  return Object.fromEntries(groups.map(({ name, ...rate }) => [name, asAccuracy(rate)]));
}

function asAccuracy({ questions, correct, rate, low, high }: Rate): Accuracy {
  return { questions, correct, accuracy: rate, accuracyLow: low, accuracyHigh: high };
}

function isCorrect({ prediction }: Answered): boolean {
  return prediction.correct === true;
}

const numerals = ['two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];

/** @param count 2 to 10, as `splitChoices` finds them */
function choicesName(count: number): string {
  return `${numerals[count - 2]}Choices`;
}

/** Its number; of equally long ones the first. */
function longestChoice({ text }: Answered['question']): string {
  const { choices } = splitChoices(text.normalize('NFC'));
  const longest = choices.reduce((best, each) => (each.text.length > best.text.length ? each : best));
  return String(longest.number);
}
