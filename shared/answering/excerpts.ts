/**
 * Excerpts of passages for a reader of few tokens: of all sentences found for a question, those that hold most of it
 * and of each of its choices, under the names of their passages, in the order of the text.
 *
 * Sentences are dealt in turns, so that no choice goes without: first the best for each choice, then the best for
 * the question, then the second best for each choice, until `maxExcerptLength` is full. A long sentence is cut to
 * the stretch that the choice meets most.
 */
import type { Classification } from '../question/question.js';
import type { Passage } from '../retrieval/retriever.js';
import { cover, type WeightedTerms, weighTerms } from '../text/term-cover.js';
import type { EvidencePassage, EvidenceQuestion, TermText } from './evidence-features.js';
import type { PromptPassage } from './student-prompt.js';

/** A question as it was read, and what was found for it. */
export interface ExcerptContext {
  classification: Classification;
  passages: readonly Passage[];
}

/** Finds the excerpts of a question's passages (see `evidence-scorer.ts`). */
export interface ExcerptFinder {
  excerpts(context: ExcerptContext): Promise<PromptPassage[]>;
}

/** Characters of all excerpts of a question. */
const maxExcerptLength = 480;
const maxOpenExcerptLength = 640;
/** Characters of one sentence; a longer one is cut. */
const maxSentenceLength = 160;
/** Rounds in which each choice gets one more sentence. */
const rounds = 2;
/** A term that the stem holds too says a quarter as much about a choice. */
const stemTermWeight = 0.25;

interface Found {
  passage: EvidencePassage;
  unit: TermText;
  /** Position of the unit in its passage. */
  at: number;
  score: number;
}

interface Excerpt {
  at: number;
  text: string;
}

export function excerptFinder(parts: Partial<ExcerptFinder>): ExcerptFinder | undefined {
  return parts.excerpts ? (parts as ExcerptFinder) : undefined;
}

/** Excerpts of what was found for a question: the choices' sentences where it has choices, else the stem's. */
export function excerptsOf(question: EvidenceQuestion): PromptPassage[] {
  const { stemTerms, choices, idf } = question;
  const stemMorphemes = new Set(stemTerms.morphemes);
  const stem = weighTerms(stemTerms.morphemes, idf);
  const passages = new Set([...question.passages, ...choices.flatMap((choice) => choice.passages)]);
  const context = new Map([...passages].map((passage) => [passage, cover(stem, passage.morphemes)]));
  const rank = (wanted: WeightedTerms, own: readonly EvidencePassage[]): Found[] =>
    rankUnits(wanted, [...new Set([...question.passages, ...own])], context);

  const forStem = rank(stem, []);
  const forChoices = choices.map(({ terms, passages: own }) =>
    rank(
      weighTerms(terms.morphemes, (term) => idf(term) * (stemMorphemes.has(term) ? stemTermWeight : 1)),
      own,
    ),
  );
  const taken = new Collected(choices.length > 0 ? maxExcerptLength : maxOpenExcerptLength);
  for (let round = 0; round < rounds; round++) {
    for (const [index, ranked] of forChoices.entries()) taken.addNext(ranked, choices[index]?.terms.bigrams);
    taken.addNext(forStem, stemTerms.bigrams);
  }
  if (choices.length === 0) for (const _ of forStem) taken.addNext(forStem, stemTerms.bigrams);
  return taken.passages();
}

/** Units by how much they hold of what is wanted, best first; a passage that speaks of the stem counts more. */
function rankUnits(
  wanted: WeightedTerms,
  passages: readonly EvidencePassage[],
  context: ReadonlyMap<EvidencePassage, number>,
): Found[] {
  const found: Found[] = [];
  for (const passage of passages) {
    const trust = 0.4 + 0.6 * (context.get(passage) ?? 0);
    for (const [at, unit] of passage.units.entries()) {
      const held = cover(wanted, unit.morphemes);
      if (held > 0) found.push({ passage, unit, at, score: held * trust });
    }
  }
  return found.sort((a, b) => b.score - a.score);
}

class Collected {
  readonly #room: number;
  readonly #taken = new Map<EvidencePassage, Excerpt[]>();
  #length = 0;

  constructor(room: number) {
    this.#room = room;
  }

  /** The best that is not there yet; what is there already serves as well. */
  addNext(ranked: Found[], bigrams: readonly string[] = []): void {
    const best = ranked.shift();
    if (best === undefined) return;
    const { passage, unit, at } = best;
    const own = this.#taken.get(passage) ?? [];
    if (own.some((excerpt) => excerpt.at === at)) return;
    const text = stretchOf(unit.text, bigrams);
    if (this.#length > 0 && this.#length + text.length > this.#room) return;
    this.#length += text.length;
    this.#taken.set(passage, [...own, { at, text }]);
  }

  passages(): PromptPassage[] {
    return [...this.#taken].map(([{ title, section }, excerpts]) => ({
      title,
      section,
      content: excerpts
        .sort((a, b) => a.at - b.at)
        .map(({ text }) => text)
        .join('\n'),
    }));
  }
}

/** The stretch of whole words, no longer than a sentence may be, that holds most of the bigrams. */
export function stretchOf(text: string, bigrams: readonly string[]): string {
  if (text.length <= maxSentenceLength) return text;
  const wanted = new Set(bigrams);
  const words = text.split(/\s+/u);
  const hits = words.map((word) => {
    let count = 0;
    for (let i = 0; i + 1 < word.length; i++) if (wanted.has(word.slice(i, i + 2))) count++;
    return count;
  });
  let best = { from: 0, to: 0, hits: -1 };
  let from = 0;
  let length = 0;
  let held = 0;
  for (let to = 0; to < words.length; to++) {
    length += (words[to] as string).length + 1;
    held += hits[to] as number;
    while (length > maxSentenceLength && from < to) {
      length -= (words[from] as string).length + 1;
      held -= hits[from] as number;
      from++;
    }
    if (held > best.hits) best = { from, to, hits: held };
  }
  // Back to the words before it, as far as there is room.
  let { from: start, to: end } = best;
  let size = words.slice(start, end + 1).join(' ').length;
  while (end + 1 < words.length && size + (words[end + 1] as string).length < maxSentenceLength) {
    end++;
    size += (words[end] as string).length + 1;
  }
  while (start > 0 && size + (words[start - 1] as string).length < maxSentenceLength) {
    start--;
    size += (words[start] as string).length + 1;
  }
  const stretch = words
    .slice(start, end + 1)
    .join(' ')
    .slice(0, 2 * maxSentenceLength);
  return `${start > 0 ? '… ' : ''}${stretch}${end + 1 < words.length ? ' …' : ''}`;
}
