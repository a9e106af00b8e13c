/**
 * The static-embedding encoder as a training graph: the vector of a text is the mean of its tokens' vectors, projected
 * where it is asked for, at unit length. It has no layers, so a corpus is embedded in seconds; what it knows, the
 * token table has learnt.
 *
 * ```
 * v = W · mean_t E[id_t]        E [V, D], W [P, D] or none
 * vector = v / ‖v‖              zeros where a text has no token
 * ```
 *
 * The mean is one product of each text's weights (1 / tokens, 0 for padding) with its gathered rows. The table's
 * gradient is scattered from those rows; it is dense, as AdamW moves all of the table anyway.
 */
import {
  batchMatMul,
  div,
  gatherRows,
  gemm,
  maximum,
  mul,
  reduceSum,
  reshape,
  sqrt,
} from '../autodiff/expressions.js';
import { ShapeError } from '../autodiff/shape.js';
import type { Tape } from '../autodiff/tape.js';
import type { Variable } from '../autodiff/variable.js';
import type { DecoderParameter } from '../model/decoder-parameters.js';

export interface StaticEncoderConfig {
  /** Rows of the token table. */
  vocabSize: number;
  /** Width of a token's vector. */
  dimension: number;
  /** Width of a text's vector, where it is projected; null: that of a token's. */
  projection: number | null;
}

export const tableName = 'embedding.weight';
export const projectionName = 'projection.weight';

/** Squared lengths below are those of no vector. */
const smallestSquare = 1e-24;

/**
 * The trained tensors. Rows begin as vectors of about unit length. They are not decayed: a row whose token is rare
 * would shrink between the few steps that train it.
 */
export function staticEncoderParameters(config: StaticEncoderConfig): DecoderParameter[] {
  const { vocabSize, dimension, projection } = config;
  const std = 1 / Math.sqrt(dimension);
  const matrix = (name: string, rows: number): DecoderParameter => ({
    name,
    shape: [rows, dimension],
    decay: false,
    parts: [{ name, rows }],
    init: { kind: 'normal', std },
  });
  const table = matrix(tableName, vocabSize);
  return projection === null ? [table] : [table, matrix(projectionName, projection)];
}

/**
 * Unit vectors of texts, [texts, P] (D without projection).
 * @param weights the variable of each of `staticEncoderParameters`, by name
 * @param ids int64 [texts, length], padding any id
 * @param tokenWeights [texts, length]: 1 / tokens of the text, 0 for padding
 */
export function encodeTexts(
  tape: Tape,
  config: StaticEncoderConfig,
  weights: (name: string) => Variable,
  ids: Variable,
  tokenWeights: Variable,
): Variable {
  const [texts, length] = ids.shape as [number, number];
  if (
    tokenWeights.shape.length !== 2 ||
    tokenWeights.shape[0] !== texts ||
    tokenWeights.shape[1] !== length
  ) {
    throw new ShapeError('encodeTexts', [ids, tokenWeights], 'ids and weights must be [texts, length]');
  }
  const rows = gatherRows(tape, weights(tableName), ids); // [texts, length, D]
  const pooled = batchMatMul(tape, reshape(tape, tokenWeights, [texts, 1, length]), rows);
  const mean = reshape(tape, pooled, [texts, config.dimension]);
  const vector =
    config.projection === null ? mean : gemm(tape, mean, weights(projectionName), { transB: true });
  const square = reduceSum(tape, mul(tape, vector, vector), [1], true); // [texts, 1]
  return div(tape, vector, sqrt(tape, maximum(tape, square, smallestSquare)));
}
