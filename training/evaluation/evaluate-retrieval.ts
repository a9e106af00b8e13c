/**
 * Article recall of BM25, FAISS and both fused, on queries made from the statutes.
 *
 *   haetae train evaluate-retrieval            a table: recall@5, recall@10, MRR, nDCG@10 for each kind of query
 */
import type { HybridRetriever } from '../../shared/retrieval/hybrid-retriever.js';
import { ndcgAt, recallAt, reciprocalRank } from '../../shared/retrieval/metrics.js';
import type { RetrieveOptions } from '../../shared/retrieval/retriever.js';
import { type ArticleQuery, articleKey } from './article-queries.js';

export const systems = {
  bm25: { weights: { bm25: 1, faiss: 0 }, rerank: false },
  faiss: { weights: { bm25: 0, faiss: 1 }, rerank: false },
  hybrid: { rerank: false },
  reranked: { rerank: true },
} as const satisfies Record<string, RetrieveOptions>;
export type System = keyof typeof systems;

export interface RetrievalScores {
  queries: number;
  recallAt5: number;
  recallAt10: number;
  mrr: number;
  ndcgAt10: number;
}

/** Passages fetched, so that ten different articles are among them. */
const depth = 30;

export async function evaluateRetrieval(
  retriever: Pick<HybridRetriever, 'retrieve'>,
  queries: readonly ArticleQuery[],
  options: RetrieveOptions = {},
): Promise<RetrievalScores> {
  const sums = { recallAt5: 0, recallAt10: 0, mrr: 0, ndcgAt10: 0 };
  for (const { text, relevant } of queries) {
    const { passages } = await retriever.retrieve(text, { ...options, topK: depth });
    const ranked = [...new Set(passages.map(({ chunk }) => articleKey(chunk)))];
    sums.recallAt5 += recallAt(5, ranked, relevant);
    sums.recallAt10 += recallAt(10, ranked, relevant);
    sums.mrr += reciprocalRank(ranked.slice(0, 10), relevant);
    sums.ndcgAt10 += ndcgAt(10, ranked, relevant);
  }
  const n = Math.max(1, queries.length);
  return {
    queries: queries.length,
    recallAt5: sums.recallAt5 / n,
    recallAt10: sums.recallAt10 / n,
    mrr: sums.mrr / n,
    ndcgAt10: sums.ndcgAt10 / n,
  };
}
