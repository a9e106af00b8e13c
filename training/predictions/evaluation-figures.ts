/** What was measured of the bundles of an evaluation: scores of each set, the gate, and figures for the manifest. */
import type { AnsweringMode } from '../../shared/bundle/manifest.js';
import { accuracyGate, compareAnswers } from '../gates/accuracy-gate.js';
import type { EvaluateDetails, GateDetails, QuestionSetScores } from '../stages/details.js';
import type { BundleAnswer, QuestionSet } from './bundle-answers.js';
import { bundleScores } from './bundle-scores.js';

/** The set that the gate is decided on. */
export const gateSet = 'validation';

export interface MeasuredBundles {
  candidate: MeasuredBundle;
  baseline: MeasuredBundle;
  incumbent: MeasuredBundle | null;
}
export interface MeasuredBundle {
  bundleId: string;
  mode: AnsweringMode;
  answers: readonly BundleAnswer[];
}

export function setScores(
  { name, questions }: QuestionSet,
  { candidate, baseline, incumbent }: MeasuredBundles,
  cosines: ReadonlyMap<string, number>,
): QuestionSetScores {
  const scores = ({ bundleId, mode, answers }: MeasuredBundle) =>
    bundleScores({
      ...{ bundleId, mode, questions, cosines },
      answers: answers.filter(({ set }) => set === name),
    });
  return {
    ...{ name, questions: questions.length },
    candidate: scores(candidate),
    baseline: scores(baseline),
    incumbent: incumbent && scores(incumbent),
  };
}

/** On multiple-choice questions of the validation split, choices as written. */
export function bundleGate(
  validation: QuestionSet,
  { candidate, incumbent }: MeasuredBundles,
  minGain: number,
): GateDetails {
  const names = { candidate: 'The bundle', incumbent: 'bundle that is served' };
  const closed = new Set(validation.questions.filter(({ isOpen }) => !isOpen).map(({ id }) => id));
  const rightOf = ({ answers }: MeasuredBundle): Map<string, boolean> =>
    new Map(
      answers
        .filter(({ set, deal, question }) => set === gateSet && deal === 0 && closed.has(question))
        .map(({ question, correct }) => [question, correct]),
    );
  const own = rightOf(candidate);
  const other = incumbent && rightOf(incumbent);
  const pairs = [...own].map(([id, correct]) => ({ candidate: correct, incumbent: other?.get(id) ?? false }));
  const comparison = other && compareAnswers(pairs);
  return accuracyGate({ questions: own.size, comparison }, minGain, names);
}

/** For the manifest: what tells one bundle of a pipeline from another. */
export function evaluationMetrics({ sets, retrieval, gate }: EvaluateDetails): Record<string, number> {
  const validation = sets.find(({ name }) => name === gateSet);
  const { comparison } = gate;
  const recall = (name: 'recallAt1' | 'recallAt3' | 'recallAt5'): number => {
    const queries = retrieval.reduce((sum, group) => sum + group.queries, 0);
    return retrieval.reduce((sum, group) => sum + group[name] * group.queries, 0) / Math.max(1, queries);
  };
  return {
    ...(validation && validation.candidate.accuracy.questions > 0 && validationMetrics(validation)),
    ...(retrieval.length > 0 && {
      ...{ recallAt1: recall('recallAt1'), recallAt3: recall('recallAt3'), recallAt5: recall('recallAt5') },
    }),
    ...(comparison && {
      ...{ incumbentAccuracy: comparison.incumbent.rate, gain: comparison.gain, pValue: comparison.pValue },
    }),
  };
}

function validationMetrics({ candidate, baseline }: QuestionSetScores): Record<string, number> {
  const { accuracy, shuffled, calibration, open } = candidate;
  return {
    ...{ validationQuestions: accuracy.questions, accuracy: accuracy.rate },
    ...{ accuracyLow: accuracy.low, accuracyHigh: accuracy.high },
    ...(shuffled && { accuracyShuffled: shuffled.rate }),
    ...{ calibrationError: calibration.expectedError, evidenceAccuracy: baseline.accuracy.rate },
    ...(open && { openCosine: open.cosine }),
  };
}

export function evaluationFigures(details: EvaluateDetails): Record<string, number | string> {
  const { accuracy, evidenceAccuracy, incumbentAccuracy, calibrationError, recallAt5 } =
    evaluationMetrics(details);
  const figures = {
    ...{ accuracy, evidence: evidenceAccuracy, incumbent: incumbentAccuracy },
    ...{ calibrationError, 'recall@5': recallAt5 },
  };
  const known = Object.entries(figures).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Number(value.toFixed(4))] as const],
  );
  return { mode: details.mode, ...Object.fromEntries(known) };
}
