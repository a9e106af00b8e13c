/** What a synthesis tells of itself: `details` in the summary of the stage, drawn by the report. */
import type { QaPair, Split } from '../../formats/qa-pair.js';
import type { Synthesis } from './synthesize-questions.js';

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
  /** Requests that gave no draft: that cannot be asked of the chunk. */
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

/** Bins of a histogram. */
const bins = 20;

export function synthesisDetails(
  { selection, decontamination, documents, missing }: Synthesis,
  threshold: number,
  teacher: SynthesizeDetails['teacher'],
): SynthesizeDetails {
  const { kept, dropped, requests, regenerated, unable, firstScores, checked } = selection;
  const questions = kept.map(({ qa }) => qa);
  const scores = questions.map(({ overallQualityScore }) => overallQualityScore);
  const multipleChoice = questions.filter(({ choices }) => choices !== undefined);
  const negated = multipleChoice.filter((qa) => qa.negated).length;
  return {
    wanted: kept.length + missing,
    kept: kept.length,
    ranOut: missing > 0,
    ...{ requests, regenerated, unable, documents },
    counts: {
      form: countOf(questions.map(({ form }) => form)),
      domain: countOf(questions.map(({ domain }) => domain)),
      split: {
        ...{ train: 0, calibration: 0, validation: 0 },
        ...countOf(questions.map(({ split }) => split)),
      },
      choices: countOf(questions.map(({ choices }) => (choices ? String(choices.length) : 'open'))),
      position: positionsOf(multipleChoice),
      negated: { negated, plain: multipleChoice.length - negated },
      difficulty: countOf(questions.map(({ difficultyLevel }) => String(difficultyLevel))),
    },
    scores: {
      before: histogram(firstScores, 10),
      after: histogram(scores, 10),
      mean: round(scores.reduce((sum, score) => sum + score, 0) / scores.length),
    },
    dropped: countOf(dropped.map(({ reason }) => reason)),
    decontamination: {
      threshold,
      files: [...decontamination.files],
      checked,
      comparisons: decontamination.comparisons,
      dropped: dropped.filter(({ reason }) => reason === 'contaminated').length,
      highest: kept.reduce<DecontaminationProof['highest']>(
        (best, { likest }) => ((likest?.likeness ?? 0) > (best?.likeness ?? 0) ? likest : best),
        null,
      ),
      histogram: histogram(
        kept.map(({ likest }) => likest?.likeness ?? 0),
        1,
      ),
    },
    longestIsKey: longestIsKey(multipleChoice),
    teacher,
  };
}

/** By name, the most frequent first. */
function countOf(values: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)));
}

function histogram(values: readonly number[], highest: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    const bin = Math.min(bins - 1, Math.floor((value / highest) * bins));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

function positionsOf(questions: readonly QaPair[]): Record<string, number[]> {
  const positions: Record<string, number[]> = {};
  for (const { choices = [], answer } of questions) {
    positions[choices.length] ??= new Array<number>(choices.length).fill(0);
    const counts = positions[choices.length] as number[];
    counts[Number(answer) - 1] = (counts[Number(answer) - 1] ?? 0) + 1;
  }
  return positions;
}

/** Of several longest choices each counts as a part. */
function longestIsKey(questions: readonly QaPair[]): SynthesizeDetails['longestIsKey'] {
  let found = 0;
  let chance = 0;
  for (const { choices = [], answer } of questions) {
    const longest = Math.max(...choices.map(({ length }) => length));
    const all = choices.filter(({ length }) => length === longest).length;
    if (choices[Number(answer) - 1]?.length === longest) found += 1 / all;
    chance += 1 / choices.length;
  }
  const share = (sum: number) => (questions.length === 0 ? 0 : round(sum / questions.length));
  return { share: share(found), chance: share(chance), questions: questions.length };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
