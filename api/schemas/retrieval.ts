/** JSON schema of a retrieval on the wire; the compiler holds it to the interfaces of `shared/retrieval`. */
import Type, { type Static } from 'typebox';
import { Chunk } from '../../shared/retrieval/chunk.js';
import type { Retrieval } from '../../shared/retrieval/retriever.js';
import type { From } from '../engine/engine.js';

const ScoreOrNull = Type.Union([Type.Number(), Type.Null()]);

export const RetrievalSchema = Type.Object({
  passages: Type.Array(
    Type.Object({
      rank: Type.Integer({ minimum: 1, description: '1-based' }),
      row: Type.Integer({ minimum: 0, description: 'Row of the chunk in the index' }),
      chunk: Chunk,
      scores: Type.Object({
        bm25: ScoreOrNull,
        faiss: ScoreOrNull,
        citation: Type.Number({
          description:
            '1: defines the term asked for; 0.9: the article named; 0.15: of the statute named; else 0',
        }),
        fused: Type.Number({ description: '0..1; what the order follows unless a reranker ran' }),
        rerank: ScoreOrNull,
      }),
    }),
  ),
  bundleId: Type.String({ description: 'The bundle that was searched' }),
  degraded: Type.Boolean({ description: 'True where only keyword search could be used' }),
  timings: Type.Object({
    tokenizeMs: Type.Number(),
    bm25Ms: Type.Number(),
    embedMs: Type.Number(),
    faissMs: Type.Number(),
    fuseMs: Type.Number(),
    rerankMs: Type.Number(),
  }),
});

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;

/** Fails to compile where schema and interface part ways. */
export const schemaFitsInterface: Same<Static<typeof RetrievalSchema>, From<Retrieval>> = true;
