/** Answers of a bundle to a set of questions, as figures. */
import type { AnsweringMode } from '../../shared/bundle/manifest.js';
import { rateOf } from '../gates/wilson-interval.js';
import type { BundleScores, GroupRate, Rate } from '../stages/details.js';
import { answerId, type BundleAnswer } from './bundle-answers.js';
import { calibrationCurve } from './calibration-curve.js';
import type { MeasuredQuestion } from './measured-questions.js';

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

/** By name; those without one are in no group. */
function grouped(answered: readonly Answered[], nameOf: (each: Answered) => string): GroupRate[] {
  const groups = new Map<string, Answered[]>();
  for (const each of answered) {
    const name = nameOf(each);
    if (name !== '') groups.set(name, [...(groups.get(name) ?? []), each]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, members]) => ({ name, ...shareOf(members) }));
}

function openScores(
  answered: readonly Answered[],
  cosines: ReadonlyMap<string, number>,
): BundleScores['open'] {
  if (answered.length === 0) return null;
  const recalls = answered.flatMap(({ question, answer }) =>
    question.keywords === null
      ? []
      : [question.keywords.filter((word) => answer.answer.includes(word)).length / question.keywords.length],
  );
  return {
    questions: answered.length,
    keywordRecall: recalls.length === 0 ? null : mean(recalls),
    cosine: mean(answered.map(({ answer }) => cosines.get(answerId(answer)) ?? 0)),
  };
}

/** Nearest rank: a time that was measured. */
function latencyOf(times: readonly number[]): BundleScores['latency'] {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), mean: mean(sorted) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
