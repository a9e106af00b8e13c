/**
 * Contrastive training of a static encoder: queries find their passage among those of the whole batch (InfoNCE).
 *
 * Inputs of the graph, with B pairs and k passages for each query (its own, then hard negatives):
 *
 * ```
 * query_ids      int64 [B, Lq]         query_weights      [B, Lq]
 * passage_ids    int64 [B·k, Lp]       passage_weights    [B·k, Lp]
 * batch_share    []                    the batch's share of its optimizer step: 1 / micro-batches
 * ```
 */
import type { TensorValue } from '../../shared/onnx/session.js';
import { mul } from '../autodiff/expressions.js';
import type { Tape } from '../autodiff/tape.js';
import type { Variable } from '../autodiff/variable.js';
import { type InfoNceOptions, infoNce } from '../blocks/info-nce.js';
import { encodeTexts, type StaticEncoderConfig } from './static-encoder.js';

export interface ContrastiveShape {
  /** Queries of a batch. */
  pairs: number;
  /** Passages of each query: 1 and its hard negatives. */
  passagesPerQuery: number;
  queryLength: number;
  passageLength: number;
}

/** Texts of one length, padded at their end; `PaddedTexts` of ../data fits. */
export interface TextIds {
  /** int64 [texts, length] */
  readonly ids: BigInt64Array;
  /** [texts, length]: 1 where there is a token. */
  readonly mask: Uint8Array;
  readonly texts: number;
  readonly length: number;
}

/** Declares the inputs and gives the loss, a scalar. */
export function addContrastiveObjective(
  tape: Tape,
  config: StaticEncoderConfig,
  shape: ContrastiveShape,
  weights: (name: string) => Variable,
  options: InfoNceOptions,
): Variable {
  const encode = (side: 'query' | 'passage', texts: number, length: number) =>
    encodeTexts(
      tape,
      config,
      weights,
      tape.input(`${side}_ids`, [texts, length], 'int64'),
      tape.input(`${side}_weights`, [texts, length]),
    );
  const queries = encode('query', shape.pairs, shape.queryLength);
  const passages = encode('passage', shape.pairs * shape.passagesPerQuery, shape.passageLength);
  return mul(tape, infoNce(tape, queries, passages, options), tape.input('batch_share', []));
}

/** The inputs for a batch. */
export function contrastiveFeeds(
  batch: { readonly queries: TextIds; readonly passages: TextIds },
  batchShare: number,
): Record<string, TensorValue> {
  const side = (name: string, { ids, mask, texts, length }: TextIds): Record<string, TensorValue> => ({
    [`${name}_ids`]: { type: 'int64', shape: [texts, length], data: ids },
    [`${name}_weights`]: { type: 'float32', shape: [texts, length], data: meanWeights(mask, length) },
  });
  return {
    ...side('query', batch.queries),
    ...side('passage', batch.passages),
    batch_share: { type: 'float32', shape: [], data: Float32Array.of(batchShare) },
  };
}

/** 1 / tokens of its text for each token, 0 for padding. [texts, length] */
function meanWeights(mask: Uint8Array, length: number): Float32Array {
  const weights = new Float32Array(mask.length);
  for (let start = 0; start < mask.length; start += length) {
    let count = 0;
    for (let i = start; i < start + length; i++) count += mask[i]!;
    for (let i = start; count > 0 && i < start + length; i++) weights[i] = mask[i]! / count;
  }
  return weights;
}
