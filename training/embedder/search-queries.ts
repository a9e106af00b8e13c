/**
 * Queries to compare embedders with, made of documents that no pair was made of: those of `articleQueries`, and
 * harder ones.
 *
 * ```
 * terse       a quarter of the words of a sentence of an article
 * guide       a third of the words of a sentence of a guide or a control
 * question    a question of the statute teacher with its choices, statute and article not named
 * open        the stem of an open one
 * ```
 */
import type { Chunk } from '../../shared/retrieval/chunk.js';
import { askedText } from '../../shared/question/asked-text.js';
import { articleKey, articleQueries } from '../evaluation/article-queries.js';
import { pick, randomFor, shuffled } from '../synthesis/statute-teacher/choosing.js';
import { statuteTeacher } from '../synthesis/statute-teacher/statute-teacher.js';
import { bodyOf, sentencesOf, withoutNames } from './pairs/pair-text.js';
import { familyOf, isPaired } from './pairs/retrieval-pair.js';

export interface SearchQuery {
  kind: string;
  text: string;
  /** Keys of the relevant articles. */
  relevant: ReadonlySet<string>;
  /** Of the documents that hold them. */
  family: string;
}

export interface SearchQueryOptions {
  /** At most this many of each kind, before those of other families are left out. */
  perKind: number;
  seed: number;
  isWanted: (family: string) => boolean;
  signal: AbortSignal;
}

export async function searchQueries(
  chunks: readonly Chunk[],
  options: SearchQueryOptions,
): Promise<SearchQuery[]> {
  const { perKind, seed, isWanted } = options;
  const wanted = chunks.filter((chunk) => isPaired(chunk) && isWanted(familyOf(chunk.title)));
  const articles = wanted.filter(({ kind }) => kind === 'article');
  const guides = wanted.filter(({ kind }) => kind === 'prose' || kind === 'control');
  const plain = articleQueries(chunks, { perKind, seed });
  const queries = [
    ...plain.filter(({ relevant }) => isWanted(familyOf(titleOf(relevant)))),
    ...fewWords('terse', articles, 0.25, options),
    ...fewWords('guide', guides, 0.35, options),
    ...(await questions(wanted, options)),
  ];
  return queries.map((query) => ({ ...query, family: familyOf(titleOf(query.relevant)) }));
}

type Query = Omit<SearchQuery, 'family'>;

function fewWords(
  kind: string,
  chunks: readonly Chunk[],
  kept: number,
  { perKind, seed }: SearchQueryOptions,
): Query[] {
  const random = randomFor('few words', kind, seed);
  return shuffled(chunks, random)
    .slice(0, perKind)
    .flatMap((chunk) => {
      const sentence = pick(
        sentencesOf(bodyOf(chunk)).filter((it) => it.length >= minLength),
        random,
      );
      const words = sentence?.split(' ').filter(() => random() < kept) ?? [];
      if (words.length < 3) return [];
      return [{ kind, text: words.join(' '), relevant: new Set([articleKey(chunk)]) }];
    });
}

const minLength = 40;

async function questions(
  chunks: readonly Chunk[],
  { perKind, seed, signal }: SearchQueryOptions,
): Promise<Query[]> {
  const teacher = statuteTeacher(chunks);
  const keyOf = new Map(chunks.map((chunk) => [chunk.chunkId, articleKey(chunk)]));
  const found: Query[] = [];
  for (const kind of ['question', 'open'] as const) {
    const random = randomFor('asked', kind, seed);
    const asked = shuffled(chunks, random);
    for (let i = 0, count = 0; i < asked.length && count < perKind; i++) {
      const chunk = asked[i]!;
      const position = 1 + Math.floor(random() * 4);
      const wanted = { open: kind === 'open', negated: random() < 0.4, choices: 4, position } as const;
      const request = { chunk, neighbours: [], attempt: 0, ordinal: 0, wanted, seed: seed + otherQuestions };
      const draft = await teacher.write(request, signal);
      if (draft === null) continue;
      const stem = withoutNames(draft.question, chunk.title);
      const choices = (draft.choices ?? []).map((choice, at) => `${at + 1} ${choice}`);
      const relevant = new Set(draft.contextChunkIds.flatMap((id) => keyOf.get(id) ?? []));
      const text = [stem, ...choices].join('\n');
      if (askedText(text).length < fewestCharacters) continue;
      found.push({ kind, text, relevant });
      count++;
    }
  }
  return found;
}

/** A stem that only names its article asks nothing without it. */
const fewestCharacters = 10;

/** Other questions than those that pairs are made of. */
const otherQuestions = 1_000_003;

function titleOf(relevant: ReadonlySet<string>): string {
  const [key = ''] = relevant;
  return key.slice(0, key.lastIndexOf('\n'));
}
