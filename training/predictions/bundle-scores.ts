/** Answers of a bundle to a set of questions, as figures. */
import type { AnsweringMode } from '../../shared/bundle/manifest.js';
import { calibrationCurve } from '../../shared/evaluation/calibration-curve.js';
import { type GroupRate, groupedRates } from '../../shared/evaluation/grouped-rates.js';
import { keywordRecall } from '../../shared/evaluation/keyword-recall.js';
import { latencyOf } from '../../shared/evaluation/latency.js';
import { mean } from '../../shared/evaluation/mean.js';
import type { MeasuredQuestion } from '../../shared/evaluation/measured-question.js';
import { type Rate, rateOf } from '../../shared/evaluation/wilson-interval.js';
import type { BundleScores } from '../stages/details.js';
import { answerId, type BundleAnswer } from './bundle-answers.js';

interface Answered {
  question: MeasuredQuestion;
  answer: BundleAnswer;
}

export interface ScoredBundle {
  bundleId: string;
  mode: AnsweringMode;
  /** Of one set and one bundle. */
  answers: readonly BundleAnswer[];
  questions: readonly MeasuredQuestion[];
  /** Of answers in words to their references, by `answerId`. */
  cosines: ReadonlyMap<string, number>;
}

export function bundleScores({ bundleId, mode, answers, questions, cosines }: ScoredBundle): BundleScores {
  const byId = new Map(questions.map((question) => [question.id, question]));
  const answered = answers.flatMap((answer): Answered[] => {
    const question = byId.get(answer.question);
    return question ? [{ question, answer }] : [];
  });
  const closed = answered.filter(({ question }) => !question.isOpen);
  const written = closed.filter(({ answer }) => answer.deal === 0);
  const dealt = closed.filter(({ answer }) => answer.deal > 0);
  return {
    ...{ bundleId, mode, accuracy: shareOf(written) },
    shuffled: dealt.length === 0 ? null : shareOf(dealt),
    domains: grouped(written, ({ question }) => question.domain),
    polarity: grouped(written, ({ question }) => (question.negated ? 'negated' : 'positive')),
    forms: grouped(written, ({ question }) => question.form),
    fallbacks: answered.filter(({ answer }) => answer.deal === 0 && answer.usedFallback).length,
    calibration: calibrationCurve(written.map(({ answer }) => answer)),
    open: openScores(
      answered.filter(({ question }) => question.isOpen),
      cosines,
    ),
    latency: latencyOf(answered.flatMap(({ answer }) => (answer.deal === 0 ? [answer.ms] : []))),
  };
}

function shareOf(answered: readonly Answered[]): Rate {
  return rateOf(answered.filter(({ answer }) => answer.correct).length, answered.length);
}

function grouped(answered: readonly Answered[], nameOf: (each: Answered) => string): GroupRate[] {
  return groupedRates(answered, nameOf, ({ answer }) => answer.correct);
}

function openScores(
  answered: readonly Answered[],
  cosines: ReadonlyMap<string, number>,
): BundleScores['open'] {
  if (answered.length === 0) return null;
  const recalls = answered.flatMap(({ question, answer }) =>
    question.keywords === null ? [] : [keywordRecall(question.keywords, answer.answer)],
  );
  return {
    questions: answered.length,
    keywordRecall: recalls.length === 0 ? null : mean(recalls),
    cosine: mean(answered.map(({ answer }) => cosines.get(answerId(answer)) ?? 0)),
  };
}
