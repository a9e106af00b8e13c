/**
 * `synthesize`: chunks to questions with answers.
 */
import type { Split } from '../formats/qa-pair.js';

/**
 * What the report draws of this stage: `details` of its summary. Histograms have 20 bins of 0.5 from 0 to 10 (scores)
 * or of 0.05 from 0 to 1 (likeness); the last holds its upper end too.
 */
export interface SynthesizeDetails {
  /** Questions asked for by the configuration. */
  wanted: number;
  kept: number;
  /** Whether the chunks were used up before there were as many as wanted. */
  ranOut: boolean;
  /** Requests to the teacher: one question of one chunk each, however often it was written again. */
  requests: number;
  /** Drafts written after the first of a request. */
  regenerated: number;
  /** Requests that gave no draft at all: nothing (more) can be asked of the chunk. */
  unable: number;
  documents: Record<Split, number>;
  counts: {
    form: Record<string, number>;
    domain: Record<string, number>;
    split: Record<Split, number>;
    /** `open`, or the number of choices. */
    choices: Record<string, number>;
    /** By number of choices: how often the right one stands at 1, 2, … */
    position: Record<string, number[]>;
    /** Of the multiple choice. */
    negated: { negated: number; plain: number };
    difficulty: Record<string, number>;
  };
  scores: {
    /** Of the first draft of each request. */
    before: number[];
    /** Of the questions kept. */
    after: number[];
    mean: number;
  };
  /** Requests whose last draft was not kept, by the reason: a rule's name, `judge`, `duplicate`, `contaminated`. */
  dropped: Record<string, number>;
  decontamination: DecontaminationProof;
  /** How often the longest choice is the right one, and how often it would be by chance. */
  longestIsKey: { share: number; chance: number; questions: number };
  teacher: { name: string; calls: number; promptTokens: number; completionTokens: number; cost: number };
}

/** That nothing kept is as like a question that is measured on as the threshold. */
export interface DecontaminationProof {
  /** Jaccard likeness of 4-grams from which on a question is dropped. */
  threshold: number;
  files: { path: string; sha256: string; questions: number }[];
  /** Questions compared, kept or dropped. */
  checked: number;
  /** Pairs of texts that were compared. */
  comparisons: number;
  dropped: number;
  /** Highest likeness of a kept question, and what it is like; null where there is nothing to compare. */
  highest: { likeness: number; file: string; id: string } | null;
  /** Of the highest likeness of each kept question. */
  histogram: number[];
}
