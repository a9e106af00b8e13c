/**
 * What the stages that train, choose, measure and publish tell in `details` of their summary, for whoever draws it.
 * Paths are relative to the stage's folder. Types, not interfaces: a summary takes any record.
 */
import type { StudentMode } from '../../shared/answering/student-choice-scorer.js';
import type { AnsweringMode } from '../../shared/bundle/manifest.js';
import type { CalibrationBin } from '../../shared/evaluation/calibration-curve.js';
import type { GroupRate } from '../../shared/evaluation/grouped-rates.js';
import type { Latency } from '../../shared/evaluation/latency.js';
import type { Rate } from '../../shared/evaluation/wilson-interval.js';
import type { LicenceRow } from '../licence/licence-table.js';
import type { Program } from '../run/run-file-schema.js';

/** Both on the same questions. */
export type Comparison = {
  candidate: Rate;
  incumbent: Rate;
  /** Rate of the candidate less that of the incumbent. */
  gain: number;
  /** Right by one of them only: what the exact McNemar test is made of. */
  onlyCandidate: number;
  onlyIncumbent: number;
  /** Two-sided. */
  pValue: number;
};

export type GateDetails = {
  passed: boolean;
  /** What came of it, with figures. */
  sentence: string;
  /** Null where there is nothing to compare with. */
  comparison: Comparison | null;
  /** The gain must be more than this. */
  minGain: number;
};

/** Of `pretrain`, `sft` and `distill`. */
export type TrainingDetails = {
  program: Program;
  /** Of each step and validation (see `training/run/metrics-log.ts`): the loss curves. */
  metrics: string;
  /** The run's own page. */
  report: string;
  steps: number;
  tokens: number;
  seconds: number;
  loss: { first: number; last: number } | null;
  validationLoss: { first: number; last: number } | null;
  /** Null where all weights were trained. */
  lora: { r: number; alpha: number } | null;
  /** Model it began with; null: new weights. */
  from: string | null;
  teacher: string | null;
};

export type StudentScores = {
  /** `start`, `iteration 1`, … , `incumbent`. */
  name: string;
  /** E.g. `qwen2, float32`. */
  precision: string;
  /** Null where it was not measured there. */
  calibration: Rate | null;
  validation: Rate | null;
};

export type ValidateDetails = {
  mode: StudentMode;
  /** Iteration whose student goes on, from 1. */
  chosen: number;
  students: StudentScores[];
  gate: GateDetails;
};

export type QuantizeDetails = {
  /** Iteration whose student was quantised. */
  chosen: number;
  bits: number;
  block: number;
  headBits: number;
  method: string;
  bytes: { float32: number; checkpoint: number; quantized: number };
  bitsPerWeight: number;
  perplexity: { reference: number; quantized: number; ratio: number; maxRatio: number };
  /** Null where there were no questions, or none fitted the model. */
  choices: {
    questions: number;
    agreement: number;
    minAgreement: number;
    accuracy: { reference: number; quantized: number };
  } | null;
  gate: { passed: boolean; sentence: string };
};

export type BundleScores = {
  bundleId: string;
  mode: AnsweringMode;
  /** Of multiple-choice questions, choices as written. */
  accuracy: Rate;
  /** Over choices dealt anew; null without shuffles. */
  shuffled: Rate | null;
  domains: GroupRate[];
  /** `negated` and `positive`. */
  polarity: GroupRate[];
  forms: GroupRate[];
  fallbacks: number;
  calibration: { bins: CalibrationBin[]; expectedError: number };
  /** Null without open questions. */
  open: {
    questions: number;
    /** Null where the questions have no keywords. */
    keywordRecall: number | null;
    /** Of the answer's vector to that of the reference. */
    cosine: number;
  } | null;
  /** Milliseconds a question, multiple choice and open. */
  latency: Latency;
};

/** What was asked, and how each bundle answered. */
export type QuestionSetScores = {
  /** `validation`, or the file. */
  name: string;
  questions: number;
  candidate: BundleScores;
  /** Index and evidence alone, without a student. */
  baseline: BundleScores;
  incumbent: BundleScores | null;
};

export type RetrievalScores = {
  /** `heading`, `definition`, `sentence` (of articles), or `questions` (their context). */
  name: string;
  queries: number;
  recallAt1: number;
  recallAt3: number;
  recallAt5: number;
};

export type EvaluateDetails = {
  mode: AnsweringMode;
  /** Accuracy of each mode on the calibration questions, from which `auto` chose. */
  modes: (GroupRate & { temperature: number | null })[];
  /** The first is `validation`, the others are for the report only. */
  sets: QuestionSetScores[];
  retrieval: RetrievalScores[];
  gate: GateDetails;
  probes: number;
};

export type PublishDetails = {
  bundleId: string;
  parent: string | null;
  activated: boolean;
  /** Whether the bundle was there before. */
  unchanged: boolean;
  removed: string[];
  licences: LicenceRow[];
  metrics: Record<string, number>;
};
