/**
 * What the evidence and the wording say about each choice of a question: numbers, no judgement yet.
 *
 * Evidence is a list of passages (whole chunks) and their units (sentences and list items). `cover(choice, text)`
 * is the idf-weighted share of the choice's terms that occur in a text, with terms that the stem also holds counted
 * a quarter: they tell choices apart poorly. Everything that rests on evidence is multiplied by the best cover of
 * the *stem* by a passage: where the passages do not speak of what is asked, what they hold says little.
 *
 * Each feature is centred over the choices of its question by the model, so only differences count.
 */

import { compactText, longestRun } from '../text/longest-run.js';
import { cover, type WeightedTerms, weighTerms } from '../text/term-cover.js';
import type { Terms } from '../text/tokenize.js';
import { bodiesOf, quantitiesOf, saysAll, unitOf } from './statement-clues.js';
import { denial, duty, hedge, overstatement } from './wording.js';

/** A stretch of text with its terms as sets. */
export interface TermText {
  text: string;
  morphemes: ReadonlySet<string>;
  bigrams: ReadonlySet<string>;
}

export interface EvidencePassage extends TermText {
  title: string;
  section: string;
  /** The text without white space and marks. */
  compact: string;
  units: readonly TermText[];
}

export interface EvidenceChoice {
  text: string;
  terms: Terms;
  /** Passages found for the stem with this choice, best first. */
  passages: readonly EvidencePassage[];
  /** Cosine of the choice with the nearest window of the stem's passages, −1..1. */
  nearest: number;
  /** Mean cosine with all windows. */
  meanNearness: number;
  /** Cosine with the stem. */
  nearStem: number;
  /** Cosine of stem and choice together with the nearest window. */
  nearestTogether: number;
}

export interface EvidenceQuestion {
  stemTerms: Terms;
  choices: readonly EvidenceChoice[];
  /** Passages found for the question, best first, with their fused scores, 0..1. */
  passages: readonly EvidencePassage[];
  scores: readonly number[];
  /** Of each passage, whether both retrievers found it. */
  agreed: readonly boolean[];
  /** The question without its choices. */
  stem: string;
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
  'nearest',
  'meanNearness',
  'nearStem',
  'nearestTogether',
  'polarityClash',
  'numberMissing',
  'overstatement',
  'denial',
  'hedge',
  'duty',
  'length',
  'centrality',
  'namedCover',
  'namedRun',
  'agreedCover',
  'quantityMissing',
  'quantityClash',
  'bodyMissing',
  'saysAll',
] as const;
export type FeatureName = (typeof featureNames)[number];
export type FeatureVector = Record<FeatureName, number>;

/** A term that the stem holds too says a quarter as much about a choice. */
const stemTermWeight = 0.25;
/** Passages in which numbers and verbatim runs are looked for. */
const closePassages = 3;
const runPassages = 5;

interface Wanted {
  morphemes: WeightedTerms;
  bigrams: WeightedTerms;
}

export function evidenceFeatures(question: EvidenceQuestion): FeatureVector[] {
  const { stemTerms, choices, passages, idf } = question;
  const stemMorphemes = new Set(stemTerms.morphemes);
  const stemBigrams = new Set(stemTerms.bigrams);
  const stem = weighTerms(stemTerms.morphemes, idf);
  const wanted = choices.map(
    ({ terms }): Wanted => ({
      morphemes: weighTerms(
        terms.morphemes,
        (term) => idf(term) * (stemMorphemes.has(term) ? stemTermWeight : 1),
      ),
      bigrams: weighTerms(terms.bigrams, (bigram) => (stemBigrams.has(bigram) ? stemTermWeight : 1)),
    }),
  );
  const stemCovers = passages.map((passage) => cover(stem, passage.morphemes));
  const trust = Math.max(0, ...stemCovers);
  const focus = focusPassage(passages, wanted, stemCovers);
  const meanLength = Math.max(1, mean(choices.map(({ text }) => text.length)));
  const closeTerms = new Set(passages.slice(0, closePassages).flatMap(({ morphemes }) => [...morphemes]));
  const named = passages.filter(({ title }) => isNamed(title, question.stem));
  const agreed = passages.filter((_, at) => question.agreed[at]);

  return choices.map((choice, index) => {
    const terms = wanted[index] as Wanted;
    const numbers = choice.terms.morphemes.filter((term) => /^\d/.test(term));
    const evidence = {
      ...passageFeatures(question, choice.text, terms, stemCovers),
      ...ownFeatures(choice, terms, stem),
      focusCover: focus ? cover(terms.morphemes, focus.morphemes) : 0,
      focusBigrams: focus ? cover(terms.bigrams, focus.bigrams) : 0,
      longestRun: bestRun(choice.text, passages),
      ownRun: bestRun(choice.text, choice.passages),
      nearest: choice.nearest,
      meanNearness: choice.meanNearness,
      nearStem: choice.nearStem,
      nearestTogether: choice.nearestTogether,
    };
    for (const name of Object.keys(evidence) as (keyof typeof evidence)[]) evidence[name] *= trust;
    const own = choice.passages.filter(({ title }) => isNamed(title, question.stem));
    const close = [...passages.slice(0, closePassages), ...choice.passages.slice(0, 1)];
    const others = choices.filter((_, other) => other !== index);
    return {
      ...evidence,
      numberMissing: numbers.filter((term) => !closeTerms.has(term)).length,
      overstatement: overstatement(choice.text),
      denial: denial(choice.text),
      hedge: hedge(choice.text),
      duty: duty(choice.text),
      length: Math.log((choice.text.length + 3) / (meanLength + 3)),
      centrality: mean(others.map((other) => dice(choice.terms.bigrams, other.terms.bigrams))),
      namedCover: bestCover(terms.morphemes, [...named, ...own]),
      namedRun: bestRun(choice.text, [...named.slice(0, closePassages), ...own]),
      agreedCover: bestCover(terms.morphemes, agreed),
      ...clues(choice.text, terms.morphemes, close),
    };
  });
}

/** Cover by the passages found for the question, and by their units. */
function passageFeatures(
  { passages, scores }: EvidenceQuestion,
  text: string,
  { morphemes, bigrams }: Wanted,
  stemCovers: readonly number[],
): Record<
  | 'passageCover'
  | 'passageBigrams'
  | 'meanCover'
  | 'unitCover'
  | 'unitBigrams'
  | 'unitJoint'
  | 'polarityClash',
  number
> {
  const covers = passages.map((passage) => cover(morphemes, passage.morphemes));
  let unitCover = 0;
  let unitBigrams = 0;
  let unitJoint = 0;
  let nearest: TermText | undefined;
  for (const [index, { units }] of passages.entries()) {
    const context = 0.5 + 0.5 * (stemCovers[index] ?? 0);
    for (const unit of units) {
      const held = cover(morphemes, unit.morphemes);
      if (held > unitCover) {
        unitCover = held;
        nearest = unit;
      }
      unitJoint = Math.max(unitJoint, held * context);
      unitBigrams = Math.max(unitBigrams, cover(bigrams, unit.bigrams));
    }
  }
  return {
    passageCover: Math.max(0, ...covers.map((value, index) => value * (0.5 + 0.5 * (scores[index] ?? 0)))),
    passageBigrams: Math.max(0, ...passages.map((passage) => cover(bigrams, passage.bigrams))),
    meanCover: mean(covers),
    unitCover,
    unitBigrams,
    unitJoint,
    // The choice and the unit nearest to it differ in whether they deny.
    polarityClash: nearest && denial(text) % 2 !== denial(nearest.text) % 2 ? unitCover : 0,
  };
}

/** Cover by the passages found for the stem with this very choice. */
function ownFeatures(
  { passages }: EvidenceChoice,
  { morphemes }: Wanted,
  stem: WeightedTerms,
): Record<'ownCover' | 'ownJoint', number> {
  const covers = passages.map((passage) => cover(morphemes, passage.morphemes));
  const joint = passages.map((passage, index) =>
    Math.sqrt((covers[index] as number) * cover(stem, passage.morphemes)),
  );
  return { ownCover: Math.max(0, ...covers), ownJoint: Math.max(0, ...joint) };
}

/** The passage that supports all choices together best: for lists, the one article that names them. */
function focusPassage(
  passages: readonly EvidencePassage[],
  wanted: readonly Wanted[],
  stemCovers: readonly number[],
): EvidencePassage | undefined {
  let best: EvidencePassage | undefined;
  let highest = -1;
  for (const [index, passage] of passages.entries()) {
    const held = mean(wanted.map(({ morphemes }) => cover(morphemes, passage.morphemes)));
    const score = held + (stemCovers[index] as number);
    if (score > highest) {
      best = passage;
      highest = score;
    }
  }
  return best;
}

/** What can be held against the nearest passages word by word. */
function clues(
  text: string,
  terms: WeightedTerms,
  passages: readonly EvidencePassage[],
): Record<'quantityMissing' | 'quantityClash' | 'bodyMissing' | 'saysAll', number> {
  const quantities = quantitiesOf(text);
  const bodies = bodiesOf(text);
  const compact = passages.map((passage) => passage.compact).join('\n');
  const nearest = quantities.length > 0 ? nearestUnit(terms, passages) : undefined;
  const there = nearest ? quantitiesOf(nearest.text) : [];
  const units = new Set(there.map(unitOf));
  return {
    quantityMissing: quantities.filter((quantity) => !compact.includes(quantity)).length,
    quantityClash: quantities.filter((quantity) => !there.includes(quantity) && units.has(unitOf(quantity)))
      .length,
    bodyMissing: bodies.filter((body) => !compact.includes(body)).length,
    saysAll: saysAll(text) ? 1 : 0,
  };
}

function nearestUnit(terms: WeightedTerms, passages: readonly EvidencePassage[]): TermText | undefined {
  let best: TermText | undefined;
  let highest = 0;
  for (const unit of passages.flatMap(({ units }) => units)) {
    const held = cover(terms, unit.morphemes);
    if (held > highest) {
      highest = held;
      best = unit;
    }
  }
  return best;
}

/** Whether a stem names the document: `「전자금융거래법」 제21조에 따라 …`. */
function isNamed(title: string, stem: string): boolean {
  const name = title.replace(/\s*\([^)]*\)\s*$/u, '').replace(/\s+/gu, '');
  return name.length >= 3 && stem.replace(/\s+/gu, '').includes(name);
}

function bestCover(terms: WeightedTerms, passages: readonly EvidencePassage[]): number {
  return Math.max(0, ...passages.map(({ morphemes }) => cover(terms, morphemes)));
}

function bestRun(text: string, passages: readonly EvidencePassage[]): number {
  const statement = compactText(text);
  return Math.max(0, ...passages.slice(0, runPassages).map(({ compact }) => longestRun(statement, compact)));
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
