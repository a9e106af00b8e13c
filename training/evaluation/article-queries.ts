/**
 * A query set from the statutes themselves, with known relevant articles, for measuring retrieval:
 *
 *   heading     the heading of an article as a question, its number and statute removed
 *   definition  a sentence that defines a term, the term, citations and item marks removed
 *   sentence    a sentence of the article with citations and half of its words removed
 *
 * An item is an article (`title + section`): every part of it, and its other dated versions, count as the same.
 * Headings that several articles share are left out; for a term defined in several statutes all are relevant.
 */
import { seededRandom } from '../../shared/random.js';
import type { Chunk } from '../../shared/retrieval/chunk.js';
import { splitSentences } from '../../shared/text/sentences.js';

export interface ArticleQuery {
  kind: 'heading' | 'definition' | 'sentence';
  text: string;
  /** Keys of the relevant articles. */
  relevant: ReadonlySet<string>;
}

export interface ArticleQueryOptions {
  /** At most this many of each kind. */
  perKind: number;
  seed: number;
}

const citation =
  /[「『][^」』]*[」』]|제\s?\d+조(?:의\d+)?(?:제\d+항)?(?:제\d+호)?(?:[가-하]목)?|[<[][^>\]]*[>\]]|\([^)]*\)|[①-⑳]/gu;
/** `1. “전자금융거래”라 함은 … 말한다`: the term, then what it means. */
const definition = /[“"「]([^”"」\n]{2,40})[”"」](?:이)?(?:라 함은|란)\s+([^\n]{30,400}?말한다)/gu;
const minSentenceLength = 40;

export function articleKey({ title, section }: Pick<Chunk, 'title' | 'section'>): string {
  return `${title.replace(/\(\d{4}-\d{2}-\d{2}\)$/u, '')}\n${section}`;
}

export function articleQueries(chunks: readonly Chunk[], options: ArticleQueryOptions): ArticleQuery[] {
  const articles = chunks.filter(
    ({ kind, content }) => kind === 'article' && !/삭제\s*[<〈]/u.test(content.slice(0, 40)),
  );
  const random = seededRandom(options.seed);
  return [
    ...sample(headingQueries(articles), options.perKind, random),
    ...sample(definitionQueries(articles), options.perKind, random),
    ...sentenceQueries(sample(articles, options.perKind, random), random),
  ];
}

function headingQueries(articles: readonly Chunk[]): ArticleQuery[] {
  const keysOfHeading = new Map<string, Set<string>>();
  for (const chunk of articles)
    addTo(keysOfHeading, chunk.heading.replace(citation, ' ').trim(), articleKey(chunk));
  return [...keysOfHeading]
    .filter(([heading, keys]) => heading.length >= 4 && keys.size === 1)
    .map(([heading, relevant]) => ({ kind: 'heading', text: `${heading}에 대해 설명하시오.`, relevant }));
}

function definitionQueries(articles: readonly Chunk[]): ArticleQuery[] {
  const keysOfMeaning = new Map<string, Set<string>>();
  for (const chunk of articles.filter(({ heading }) => /정의|용어/u.test(heading))) {
    for (const [, term = '', meaning = ''] of chunk.content.matchAll(definition)) {
      const text = meaning.replaceAll(term, ' ').replace(citation, ' ').replace(/\s+/gu, ' ').trim();
      addTo(keysOfMeaning, text, articleKey(chunk));
    }
  }
  return [...keysOfMeaning].map(([text, relevant]) => ({ kind: 'definition', text, relevant }));
}

function sentenceQueries(articles: readonly Chunk[], random: () => number): ArticleQuery[] {
  const queries: ArticleQuery[] = [];
  for (const chunk of articles) {
    const sentences = splitSentences(chunk.content)
      .map((sentence) => sentence.replace(citation, ' ').replace(/\s+/gu, ' ').trim())
      .filter((sentence) => sentence.length >= minSentenceLength);
    const sentence = sentences[Math.floor(random() * sentences.length)];
    if (!sentence) continue;
    const words = sentence.split(' ').filter(() => random() < 0.5);
    if (words.length >= 3)
      queries.push({ kind: 'sentence', text: words.join(' '), relevant: new Set([articleKey(chunk)]) });
  }
  return queries;
}

function addTo(map: Map<string, Set<string>>, key: string, value: string): void {
  const set = map.get(key) ?? new Set();
  map.set(key, set.add(value));
}

/** Fisher–Yates over a copy; the first n. */
function sample<T>(items: readonly T[], n: number, random: () => number): T[] {
  const copy = [...items];
  for (let i = 0; i < Math.min(n, copy.length); i++) {
    const j = i + Math.floor(random() * (copy.length - i));
    [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
  }
  return copy.slice(0, n);
}
