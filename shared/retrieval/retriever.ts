/** The contract of retrieval: what a caller may ask, and what every hit reports. */
import Type, { type Static } from 'typebox';
import type { Chunk } from './chunk.js';

export const FusionMethod = Type.Union([Type.Literal('minmax'), Type.Literal('rrf')]);
export type FusionMethod = Static<typeof FusionMethod>;

/** Options of one request; what is absent comes from the bundle. */
export const RetrieveOptions = Type.Object(
  {
    topK: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'Passages to return' })),
    candidates: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, description: 'Depth of each list before fusion' }),
    ),
    threshold: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1, description: 'Drop hits whose fused score is below this' }),
    ),
    fusion: Type.Optional(FusionMethod),
    weights: Type.Optional(
      Type.Object(
        { bm25: Type.Number({ minimum: 0, maximum: 1 }), faiss: Type.Number({ minimum: 0, maximum: 1 }) },
        { additionalProperties: false, description: 'Weights of the min-max fusion' },
      ),
    ),
    rrfK: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'k of rank fusion' })),
    rerank: Type.Optional(Type.Boolean({ description: 'Score (query, passage) pairs and re-order' })),
    searchParams: Type.Optional(
      Type.String({ maxLength: 100, description: 'FAISS parameters, e.g. `nprobe=16,efSearch=64`' }),
    ),
  },
  { additionalProperties: false },
);
export type RetrieveOptions = Static<typeof RetrieveOptions>;

/** Scores of one hit at each stage. `null`: this stage did not see the hit (fusion counts it as 0). */
export interface StageScores {
  /** Raw BM25, ≥ 0. */
  bm25: number | null;
  /** Inner product of unit vectors, −1..1. */
  faiss: number | null;
  /** 1: defines the term asked for; 0.9: the article the query names; 0.15: of the statute it names; else 0. */
  citation: number;
  /** 0..1: min-max sum or scaled reciprocal ranks; averaged with `citation` where the query names a statute. */
  fused: number;
  /** Score of the reranker, or null where none ran. */
  rerank: number | null;
}

export interface Passage {
  /** 1-based. */
  rank: number;
  /** Row of the chunk in the index. */
  row: number;
  chunk: Chunk;
  scores: StageScores;
}

export interface Retrieval {
  passages: Passage[];
  /** True where only keyword search could be used. */
  degraded: boolean;
  timings: {
    tokenizeMs: number;
    bm25Ms: number;
    embedMs: number;
    faissMs: number;
    fuseMs: number;
    rerankMs: number;
  };
}

export interface Retriever {
  retrieve(query: string, options?: RetrieveOptions, signal?: AbortSignal): Promise<Retrieval>;
}
