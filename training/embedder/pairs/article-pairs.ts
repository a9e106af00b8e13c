/**
 * Pairs that need no teacher, from the structure of a text:
 *
 * ```
 * heading     its heading (with the title, where many share it)  ↔  a stretch of it
 * words       a third to two thirds of the words of a sentence   ↔  the stretch that holds it
 * cloze       a sentence                                         ↔  the stretch without it (inverse cloze task)
 * term        a defined term                                     ↔  what it means
 * definition  what it means                                      ↔  the definition
 * ```
 *
 * `heading` and `cloze` leave out of the passage what the query says, so that related words are learnt and not equal
 * ones; `words` keeps equal ones in sight. What is drawn depends on the seed and the text alone.
 */
import { articleKey } from '../../evaluation/article-queries.js';
import { pick, type Random, randomFor } from '../../synthesis/statute-teacher/choosing.js';
import {
  leadOf,
  type PairText,
  sentencesOf,
  type Stretch,
  stretchesOf,
  undated,
  withoutCitations,
} from './pair-text.js';
import { familyOf, isReadable, type PairKind, type RetrievalPair } from './retrieval-pair.js';

export interface ArticlePairOptions {
  seed: number;
  /** Sentences of a text that make pairs of kinds `words` and `cloze`. */
  sentences: number;
  /** Whether `cloze` pairs are made. */
  cloze: boolean;
  /** In how many texts each heading stands. */
  headings: ReadonlyMap<string, number>;
}

/** `1. “전자금융거래”란 … 말한다`: the term, then what it means. */
const definition = /[“"「]([^”"」\n]{2,40})[”"」](?:이)?(?:라 함은|란)\s+([^\n]{30,400}?말한다)/gu;
/** A heading of more texts than this says nothing without the title. */
const rareHeading = 8;
const fewestCharacters = 30;

export function articlePairs(text: PairText, options: ArticlePairOptions): RetrievalPair[] {
  const stretches = stretchesOf(text).filter((it) => it.text.length >= fewestCharacters);
  if (stretches.length === 0) return [];
  const { title, section, content } = text;
  const random = randomFor('pairs', options.seed, title, section, content);
  const place = { source: familyOf(title), article: articleKey(text) };
  return [
    ...headingPairs(text, stretches, options.headings, random),
    ...Array.from({ length: options.sentences }, () => [
      ...wordPairs(stretches, random),
      ...(options.cloze ? clozePairs(text, stretches, random) : []),
    ]).flat(),
    ...definitionPairs(text),
  ]
    .map(([kind, query, positive]) => ({ kind, query, positive, ...place }))
    .filter(isReadable);
}

/** In how many texts each heading stands. */
export function countHeadings(texts: Iterable<Pick<PairText, 'heading'>>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { heading } of texts) counts.set(heading, (counts.get(heading) ?? 0) + 1);
  return counts;
}

type Sides = readonly [kind: PairKind, query: string, positive: string];

function headingPairs(
  { title, heading }: PairText,
  stretches: readonly Stretch[],
  headings: ReadonlyMap<string, number>,
  random: Random,
): Sides[] {
  if (heading.length < 2) return [];
  const named = `${undated(title)} ${heading}`;
  const isRare = heading.length >= 4 && (headings.get(heading) ?? 0) <= rareHeading;
  const pairs: Sides[] = [['heading', isRare ? heading : named, pick(stretches, random)!.text]];
  if (random() < 0.3) pairs.push(['heading', named, pick(stretches, random)!.passage]);
  return pairs;
}

function wordPairs(stretches: readonly Stretch[], random: Random): Sides[] {
  const { text, passage } = pick(stretches, random)!;
  const sentence = pick(sentencesOf(text), random);
  if (sentence === undefined) return [];
  const kept = 0.3 + 0.35 * random();
  const words = sentence.split(' ').filter(() => random() < kept);
  return words.length >= 3 ? [['words', words.join(' '), passage]] : [];
}

function clozePairs(text: PairText, stretches: readonly Stretch[], random: Random): Sides[] {
  const at = Math.floor(random() * stretches.length);
  const sentences = sentencesOf(stretches[at]!.text);
  const sentence = pick(sentences, random);
  if (sentence === undefined) return [];
  const rest = sentences.filter((it) => it !== sentence).join(' ');
  const other = rest.length >= fewestCharacters ? rest : (stretches[at + 1] ?? stretches[at - 1])?.text;
  if (other !== undefined) return [['cloze', sentence, `${leadOf(text)} ${other}`]];
  return text.heading === '' ? [] : [['cloze', sentence, `${undated(text.title)} ${text.heading}`]];
}

function definitionPairs(text: PairText): Sides[] {
  return [...text.content.matchAll(definition)].flatMap(([, term = '', meaning = '']): Sides[] => {
    const bare = withoutCitations(meaning.replaceAll(term, ' '));
    if (bare.length < fewestCharacters) return [];
    return [
      ['term', term, bare],
      ['definition', bare, `${leadOf(text)} "${term}"란 ${meaning}`],
    ];
  });
}
