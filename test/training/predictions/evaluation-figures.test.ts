import t from 'tap';
import type { BundleAnswer } from '../../../training/predictions/bundle-answers.js';
import {
  bundleGate,
  evaluationFigures,
  evaluationMetrics,
  type MeasuredBundle,
  setScores,
} from '../../../training/predictions/evaluation-figures.js';
import { questionOf } from '../../../training/predictions/measured-questions.js';
import type { EvaluateDetails } from '../../../training/stages/details.js';
import { openQuestion, smallQuestion } from '../../fixtures/small-questions.js';

const ids = Array.from({ length: 10 }, (_, i) => `q${i}`);
const validation = {
  ...{ name: 'validation', shuffles: 1 },
  questions: [...ids.map((id) => questionOf(smallQuestion(id))), questionOf(openQuestion('words'))],
};
/** Right on the first questions as written; dealt anew and elsewhere always. */
const bundle = (role: BundleAnswer['bundle'], right: number): MeasuredBundle => {
  const answer = (question: string, more: Partial<BundleAnswer>): BundleAnswer => ({
    ...{ bundle: role, set: 'validation', question, deal: 0, answer: '2', correct: true },
    ...{ confidence: 0.6, usedFallback: false, ms: 1, ...more },
  });
  return {
    ...{ bundleId: role, mode: 'label' },
    answers: [
      ...ids.flatMap((id, i) => [answer(id, { correct: i < right }), answer(id, { deal: 1 })]),
      ...ids.map((id) => answer(id, { set: 'file.csv' })),
      answer('words', {}),
    ],
  };
};
const [candidate, baseline, incumbent] = [
  bundle('candidate', 7),
  bundle('baseline', 5),
  bundle('incumbent', 6),
];

t.test('the gate is decided on validation questions with choices as written', async (t) => {
  const gate = bundleGate(validation, { candidate, baseline, incumbent }, 0);
  t.match(gate, {
    passed: true,
    comparison: { candidate: { correct: 7, questions: 10 }, incumbent: { correct: 6 }, onlyCandidate: 1 },
  });
  t.equal(bundleGate(validation, { candidate, baseline, incumbent }, 0.1).passed, false);
  t.equal(bundleGate(validation, { candidate, baseline, incumbent: null }, 0.5).passed, true);
});

t.test('metrics of the manifest and figures of the run come from the same scores', async (t) => {
  const bundles = { candidate, baseline, incumbent };
  const scores = setScores(validation, bundles, new Map());
  t.match(scores, { name: 'validation', questions: 11, incumbent: { accuracy: { rate: 0.6 } } });
  const retrieval = [
    { name: 'heading', queries: 3, recallAt1: 1, recallAt3: 1, recallAt5: 1 },
    { name: 'questions', queries: 1, recallAt1: 0, recallAt3: 0, recallAt5: 1 },
  ];
  const details: EvaluateDetails = {
    ...{ mode: 'label', modes: [], sets: [scores], retrieval, probes: 0 },
    gate: bundleGate(validation, bundles, 0),
  };
  const metrics = evaluationMetrics(details);
  t.match(metrics, {
    ...{ validationQuestions: 10, accuracy: 0.7, accuracyShuffled: 1, evidenceAccuracy: 0.5 },
    ...{ recallAt1: 0.75, recallAt3: 0.75, recallAt5: 1, incumbentAccuracy: 0.6, pValue: 1 },
  });
  t.ok(metrics.accuracyLow! < 0.7 && metrics.accuracyHigh! > 0.7);
  t.ok(Math.abs(metrics.calibrationError! - 0.1) < 1e-9);
  t.ok(Object.values(metrics).every(Number.isFinite), 'a manifest holds numbers');
  t.strictSame(evaluationFigures(details), {
    ...{ mode: 'label', accuracy: 0.7, evidence: 0.5, incumbent: 0.6, calibrationError: 0.1, 'recall@5': 1 },
  });
  const alone = {
    ...details,
    gate: bundleGate(validation, { ...bundles, incumbent: null }, 0),
    retrieval: [],
  };
  t.notOk('incumbent' in evaluationFigures(alone) || 'recall@5' in evaluationFigures(alone));
});
