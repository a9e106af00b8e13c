/**
 * What the evidence and the wording say about each choice of a question: numbers, no judgement yet.
 *
 * Evidence is a list of passages (whole chunks) and their units (sentences and list items). For a set of terms X
 * and a text U, `cover(X, U)` is the idf-weighted share of X's terms that occur in U, with terms that the stem
 * also holds counted a quarter: they tell choices apart poorly.
 *
 * Each feature is centred over the choices of its question by the scorer, so only differences count.
 */
import type { Terms } from '../text/tokenize.js';
import { denial, duty, hedge, overstatement } from './wording.js';

/** A stretch of text with its terms as sets. */
export interface TermText {
  text: string;
  morphemes: ReadonlySet<string>;
  bigrams: ReadonlySet<string>;
}

export interface EvidencePassage extends TermText {
  /** Fused retrieval score, 0..1. */
  score: number;
  units: readonly TermText[];
}

export interface EvidenceQuestion {
  stem: string;
  stemTerms: Terms;
  choices: readonly { text: string; terms: Terms }[];
  /** Passages found for the stem, best first. */
  passages: readonly EvidencePassage[];
  /** For each choice, the passages found for stem and choice together, best first. */
  choicePassages: readonly (readonly EvidencePassage[])[];
  idf: (term: string) => number;
}

export const featureNames = [
  'passageCover',
  'passageBigrams',
  'meanCover',
  'unitCover',
  'unitBigrams',
  'unitJoint',
  'focusCover',
  'focusBigrams',
  'ownCover',
  'ownJoint',
  'longestRun',
  'ownRun',
  'numberFound',
  'numberMissing',
  'polarityClash',
  'overstatement',
  'denial',
  'hedge',
  'duty',
  'length',
  'stemOverlap',
  'centrality',
] as const;
export type FeatureName = (typeof featureNames)[number];
export type FeatureVector = Record<FeatureName, number>;

interface Weighted {
  weights: Map<string, number>;
  total: number;
}

export function evidenceFeatures(question: EvidenceQuestion): FeatureVector[] {
  const { stemTerms, choices, passages, idf } = question;
  const stemMorphemes = new Set(stemTerms.morphemes);
  const stemBigrams = new Set(stemTerms.bigrams);
  const stem = weigh(stemTerms.morphemes, idf);
  const wanted = choices.map(({ terms }) => ({
    morphemes: weigh(terms.morphemes, (term) => idf(term) * (stemMorphemes.has(term) ? 0.25 : 1)),
    bigrams: weigh(terms.bigrams, (bigram) => (stemBigrams.has(bigram) ? 0.25 : 1)),
  }));
  const focus = focusPassage(passages, wanted, stem);
  const lengths = choices.map(({ text }) => text.length);
  const meanLength = Math.max(
    1,
    lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, lengths.length),
  );

  return choices.map((choice, index) => {
    const { morphemes, bigrams } = wanted[index] as (typeof wanted)[number];
    const own = question.choicePassages[index] ?? [];
    const covers = passages.map((passage) => cover(morphemes, passage.morphemes));
    const best = bestUnit(passages, morphemes, stem);
    const numbers = choice.terms.morphemes.filter((term) => /^\d/.test(term));
    const near = new Set<string>();
    for (const passage of passages.slice(0, 3)) for (const term of passage.morphemes) near.add(term);
    const numbersFound = numbers.filter((term) => near.has(term)).length;
    return {
      passageCover: Math.max(0, ...covers.map((value, i) => value * (0.5 + 0.5 * (passages[i]?.score ?? 0)))),
      passageBigrams: Math.max(0, ...passages.map((passage) => cover(bigrams, passage.bigrams))),
      meanCover: mean(covers),
      unitCover: best.cover,
      unitBigrams: Math.max(
        0,
        ...passages.flatMap(({ units }) => units.map((unit) => cover(bigrams, unit.bigrams))),
      ),
      unitJoint: best.joint,
      focusCover: focus ? cover(morphemes, focus.morphemes) : 0,
      focusBigrams: focus ? cover(bigrams, focus.bigrams) : 0,
      ownCover: Math.max(0, ...own.map((passage) => cover(morphemes, passage.morphemes))),
      ownJoint: Math.max(
        0,
        ...own.map((p) => Math.sqrt(cover(morphemes, p.morphemes) * cover(stem, p.morphemes))),
      ),
      longestRun: longestRun(choice.text, passages),
      ownRun: longestRun(choice.text, own),
      numberFound: numbersFound,
      numberMissing: numbers.length - numbersFound,
      polarityClash: best.unit ? Math.abs(parity(choice.text) - parity(best.unit.text)) * best.cover : 0,
      overstatement: overstatement(choice.text),
      denial: denial(choice.text),
      hedge: hedge(choice.text),
      duty: duty(choice.text),
      length: Math.log((choice.text.length + 3) / (meanLength + 3)),
      stemOverlap: cover(
        weigh(choice.terms.bigrams, () => 1),
        stemBigrams,
      ),
      centrality: mean(
        choices
          .filter((_, other) => other !== index)
          .map((other) => dice(choice.terms.bigrams, other.terms.bigrams)),
      ),
    };
  });
}

function weigh(terms: readonly string[], weight: (term: string) => number): Weighted {
  const weights = new Map<string, number>();
  let total = 0;
  for (const term of terms) {
    if (weights.has(term)) continue;
    const value = weight(term);
    weights.set(term, value);
    total += value;
  }
  return { weights, total };
}

/** Idf-weighted share of some terms that a set holds, 0..1. */
export function coverOf(
  terms: readonly string[],
  set: ReadonlySet<string>,
  idf: (term: string) => number,
): number {
  return cover(weigh(terms, idf), set);
}

/** Weighted share of the terms that the set holds, 0..1; 0 for no terms. */
function cover({ weights, total }: Weighted, set: ReadonlySet<string>): number {
  if (total === 0) return 0;
  let sum = 0;
  for (const [term, weight] of weights) if (set.has(term)) sum += weight;
  return sum / total;
}

/** The passage that supports all choices together best: for lists, the one article that names them. */
function focusPassage(
  passages: readonly EvidencePassage[],
  wanted: readonly { morphemes: Weighted }[],
  stem: Weighted,
): EvidencePassage | undefined {
  let best: EvidencePassage | undefined;
  let bestScore = -1;
  for (const passage of passages) {
    const score =
      mean(wanted.map(({ morphemes }) => cover(morphemes, passage.morphemes))) +
      cover(stem, passage.morphemes);
    if (score > bestScore) {
      best = passage;
      bestScore = score;
    }
  }
  return best;
}

function bestUnit(
  passages: readonly EvidencePassage[],
  wanted: Weighted,
  stem: Weighted,
): { unit: TermText | undefined; cover: number; joint: number } {
  let unit: TermText | undefined;
  let best = 0;
  let joint = 0;
  for (const passage of passages) {
    const context = 0.5 + 0.5 * cover(stem, passage.morphemes);
    for (const candidate of passage.units) {
      const value = cover(wanted, candidate.morphemes);
      if (value > best) {
        best = value;
        unit = candidate;
      }
      joint = Math.max(joint, value * context);
    }
  }
  return { unit, cover: best, joint };
}

/** Odd number of denials → 1. */
function parity(text: string): number {
  return denial(text) % 2;
}

/** Longest common substring of the choice and a passage, white space ignored, as a share of the choice. */
function longestRun(choice: string, passages: readonly TermText[]): number {
  const wanted = compact(choice).slice(0, 200);
  if (wanted === '') return 0;
  let longest = 0;
  for (const { text } of passages.slice(0, 5))
    longest = Math.max(longest, commonSubstring(wanted, compact(text)));
  return longest / wanted.length;
}

function commonSubstring(short: string, long: string): number {
  let previous = new Uint16Array(short.length + 1);
  let current = new Uint16Array(short.length + 1);
  let longest = 0;
  for (let i = 0; i < long.length; i++) {
    const code = long.charCodeAt(i);
    for (let j = 1; j <= short.length; j++) {
      const run = short.charCodeAt(j - 1) === code ? (previous[j - 1] as number) + 1 : 0;
      current[j] = run;
      if (run > longest) longest = run;
    }
    [previous, current] = [current, previous];
  }
  return longest;
}

function compact(text: string): string {
  return text.replace(/[\s·ㆍ・,."'“”‘’]/gu, '');
}

function dice(a: readonly string[], b: readonly string[]): number {
  const left = new Set(a);
  const right = new Set(b);
  if (left.size + right.size === 0) return 0;
  let shared = 0;
  for (const term of left) if (right.has(term)) shared++;
  return (2 * shared) / (left.size + right.size);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
