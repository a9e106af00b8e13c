/**
 * Whether a search finds what a question is about: article recall at 1, 3 and 5, of queries made from the articles,
 * and of questions whose context is known. Every part of an article and its other versions count as the same.
 */
import type { Runtime } from '../../shared/bundle/runtime.js';
import type { Chunk } from '../../shared/retrieval/chunk.js';
import { recallAt } from '../../shared/retrieval/metrics.js';
import { articleKey, articleQueries } from '../evaluation/article-queries.js';
import type { QaPair } from '../formats/qa-pair.js';
import type { RetrievalScores } from '../stages/details.js';

export interface RecallQuery {
  /** Of its group. */
  name: string;
  text: string;
  /** Keys of the articles. */
  relevant: ReadonlySet<string>;
}

/** Passages fetched, so that five different articles are among them. */
const depth = 20;

/** The queries of `articleQueries`, and the stems of questions. */
export function recallQueries(
  chunks: readonly Chunk[],
  questions: readonly QaPair[],
  options: { perKind: number; seed: number },
): RecallQuery[] {
  const keyOf = new Map(chunks.map((chunk) => [chunk.chunkId, articleKey(chunk)]));
  return [
    ...articleQueries(chunks, options).map(({ kind, text, relevant }) => ({ name: kind, text, relevant })),
    ...questions.map(({ question, contextChunkIds }) => ({
      ...{ name: 'questions', text: question },
      relevant: new Set(contextChunkIds.flatMap((id) => keyOf.get(id) ?? [])),
    })),
  ].filter(({ relevant }) => relevant.size > 0);
}

/** By name, in the order of the queries. */
export async function measureRecall(
  runtime: Pick<Runtime, 'retrieve'>,
  queries: readonly RecallQuery[],
  signal: AbortSignal,
): Promise<RetrievalScores[]> {
  const groups = new Map<string, RetrievalScores>();
  for (const { name, text, relevant } of queries) {
    signal.throwIfAborted();
    const { passages } = await runtime.retrieve(text, { topK: depth }, signal);
    const ranked = [...new Set(passages.map(({ chunk }) => articleKey(chunk)))];
    const sums = groups.get(name) ?? { name, queries: 0, recallAt1: 0, recallAt3: 0, recallAt5: 0 };
    groups.set(name, {
      ...{ name, queries: sums.queries + 1 },
      recallAt1: sums.recallAt1 + recallAt(1, ranked, relevant),
      recallAt3: sums.recallAt3 + recallAt(3, ranked, relevant),
      recallAt5: sums.recallAt5 + recallAt(5, ranked, relevant),
    });
  }
  return [...groups.values()].map(({ name, queries: n, recallAt1, recallAt3, recallAt5 }) => ({
    ...{ name, queries: n, recallAt1: recallAt1 / n, recallAt3: recallAt3 / n, recallAt5: recallAt5 / n },
  }));
}
