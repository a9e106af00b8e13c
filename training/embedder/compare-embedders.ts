/** Article recall of two embedders on the same queries, alone and beside BM25 with the weights of the default bundle. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Chunk } from '../../shared/retrieval/chunk.js';
import { buildVectorIndex } from '../../shared/retrieval/faiss/build-vector-index.js';
import { openVectorIndex } from '../../shared/retrieval/faiss/open-vector-index.js';
import { HybridRetriever } from '../../shared/retrieval/hybrid-retriever.js';
import type { KeywordIndex } from '../../shared/retrieval/keyword-index.js';
import { openEmbedder } from '../../shared/retrieval/onnx-embedder.js';
import { passageWindows } from '../../shared/retrieval/passage-windows.js';
import { CoverReranker } from '../../shared/retrieval/reranker.js';
import type { Tokenizer } from '../../shared/text/tokenize.js';
import { articleKey } from '../evaluation/article-queries.js';
import { mcnemarExact } from '../gates/mcnemar.js';
import { retrievalDefaults } from '../index/retrieval-defaults.js';
import type { SearchQuery } from './search-queries.js';

export interface SearchParts {
  chunks: readonly Chunk[];
  tokenizer: Tokenizer;
  keywords: KeywordIndex;
  /** For the vector indices, which are removed. */
  folder: string;
  signal: AbortSignal;
}

export const searches = {
  vectors: { weights: { bm25: 0, faiss: 1 }, rerank: false },
  hybrid: { weights: retrievalDefaults.weights, rerank: false },
} as const;
export type Search = keyof typeof searches;

/** Rank of the first relevant article of each query, from 0; Infinity where it is not among those fetched. */
export type Ranks = Record<Search, number[]>;

/** Passages fetched, so that ten different articles are among them. */
const depth = 30;

export async function ranksOf(
  embedderFolder: string,
  queries: readonly SearchQuery[],
  { chunks, tokenizer, keywords, folder, signal }: SearchParts,
): Promise<Ranks> {
  const embedder = await openEmbedder(embedderFolder, { threads: 1 });
  const scratch = join(folder, 'measure');
  await mkdir(scratch, { recursive: true });
  try {
    const windows = chunks.map(passageWindows);
    const rowOfVector = Uint32Array.from(windows.flatMap((list, row) => list.map(() => row)));
    const path = join(scratch, 'vectors.faiss');
    const vectors = await embedder.embed(windows.flat(), 'passage');
    await buildVectorIndex(vectors, embedder.dimension, { path, seed: 1, threads: 1 });
    const { index } = await openVectorIndex(path);
    const retriever = new HybridRetriever({
      ...{ chunks, tokenizer, keywords, vectors: index, rowOfVector, embedder },
      ...{ reranker: new CoverReranker(tokenizer, keywords), defaults: retrievalDefaults },
    });
    const ranks: Ranks = { vectors: [], hybrid: [] };
    for (const { text, relevant } of queries) {
      signal.throwIfAborted();
      for (const search of Object.keys(searches) as Search[]) {
        const { passages } = await retriever.retrieve(text, { ...searches[search], topK: depth });
        const articles = [...new Set(passages.map(({ chunk }) => articleKey(chunk)))];
        const at = articles.findIndex((article) => relevant.has(article));
        ranks[search].push(at < 0 ? Infinity : at);
      }
    }
    return ranks;
  } finally {
    await embedder.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A type, not an interface: it stands in a summary. */
export type RankComparison = {
  kind: string;
  queries: number;
  recallAt5: { before: number; after: number };
  mrr: { before: number; after: number };
  /** Queries whose article is among the first five only after, and only before. */
  gained: number;
  lost: number;
  /** Exact McNemar test of the two, two-sided. */
  pValue: number;
};

/** Of each kind of query, then of all. */
export function compareRanks(
  queries: readonly SearchQuery[],
  before: readonly number[],
  after: readonly number[],
): RankComparison[] {
  const kinds = [...new Set(queries.map(({ kind }) => kind))];
  return [...kinds, 'all'].map((kind) => {
    const at = [...queries.keys()].filter((i) => kind === 'all' || queries[i]!.kind === kind);
    const mean = (of: (rank: number) => number, ranks: readonly number[]) =>
      at.reduce((sum, i) => sum + of(ranks[i]!), 0) / Math.max(1, at.length);
    const isFound = (rank: number) => rank < 5;
    const found = (rank: number) => Number(isFound(rank));
    const reciprocal = (rank: number) => (rank < 10 ? 1 / (rank + 1) : 0);
    const gained = at.filter((i) => isFound(after[i]!) && !isFound(before[i]!)).length;
    const lost = at.filter((i) => isFound(before[i]!) && !isFound(after[i]!)).length;
    return {
      ...{ kind, queries: at.length, gained, lost, pValue: mcnemarExact(gained, lost) },
      recallAt5: { before: mean(found, before), after: mean(found, after) },
      mrr: { before: mean(reciprocal, before), after: mean(reciprocal, after) },
    };
  });
}
