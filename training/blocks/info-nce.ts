/**
 * InfoNCE with in-batch negatives (van den Oord et al. 2018, arXiv 1807.03748; as MultipleNegativesRankingLoss of
 * sentence-transformers):
 *
 * ```
 * S = Q Dᵀ / τ                                        [B, B·k]
 * L = mean_b (logsumexp S_b − S_b,bk)                 document b·k is query b's own, those after it hard negatives
 * symmetric: (L + L') / 2, L' = mean_b (logsumexp over queries of S_·,bk − S_b,bk)
 * ∂L/∂S = (softmax rows − onehot) / B, and L' likewise on the columns of positive documents
 * ```
 *
 * The gradient is computed with the value. Vectors are used as they come: scale them to unit length before.
 */
import {
  add,
  exp,
  gatherLast,
  gemm,
  logSoftmax,
  mul,
  neg,
  pad,
  reshape,
  slice,
  sumAll,
  transpose,
} from '../autodiff/expressions.js';
import { formatShape, ShapeError } from '../autodiff/shape.js';
import type { Tape } from '../autodiff/tape.js';
import type { Variable } from '../autodiff/variable.js';

export interface InfoNceOptions {
  /** τ > 0; 0.05 is usual for unit vectors. */
  temperature: number;
  /** Whether documents also have to find their query. Default false. */
  symmetric?: boolean;
}

/**
 * @param queries [B, D]
 * @param documents [B·k, D]
 * @returns a scalar
 * @throws ShapeError where the documents are not k ≥ 1 for each query
 */
export function infoNce(
  tape: Tape,
  queries: Variable,
  documents: Variable,
  { temperature, symmetric = false }: InfoNceOptions,
): Variable {
  const [batch, dimension] = queries.shape as [number, number];
  const count = documents.shape[0]!;
  const each = count / batch;
  const isMatrix = queries.shape.length === 2 && documents.shape.length === 2;
  if (!(isMatrix && documents.shape[1] === dimension && Number.isInteger(each) && each >= 1)) {
    const reason = `documents must be [${batch} · k, ${dimension}] beside queries ${formatShape(queries.shape)}`;
    throw new ShapeError('infoNce', [queries, documents], reason);
  }
  if (!(temperature > 0)) throw new RangeError(`the temperature must be above 0, got ${temperature}`);

  let dScores: Variable;
  const forward = (): Variable => {
    const scores = gemm(tape, queries, documents, { transB: true, alpha: 1 / temperature });
    const share = (symmetric ? 0.5 : 1) / batch;
    const positives = Array.from({ length: batch }, (_, b) => b * each);
    const rows = rankingLoss(tape, scores, positives, share);
    dScores = rows.dScores;
    if (!symmetric) return rows.loss;
    // Only positives look for a query: column b·k of every k.
    const own = reshape(tape, scores, [batch, batch, each]);
    const first = slice(tape, own, 2, 0, 1);
    const byDocument = transpose(tape, reshape(tape, first, [batch, batch]), [1, 0]);
    const columns = rankingLoss(tape, byDocument, [...Array(batch).keys()], share);
    const back = reshape(tape, transpose(tape, columns.dScores, [1, 0]), [batch, batch, 1]);

    const padded = pad(tape, back, 2, 0, each - 1);
    dScores = add(tape, dScores, reshape(tape, padded, [batch, count]));
    return add(tape, rows.loss, columns.loss);
  };
  return tape.block('infoNce', [queries, documents], forward, (dLoss) => {
    const scaled = dLoss.name === tape.scalar(1).name ? dScores : mul(tape, dScores, dLoss);
    const alpha = 1 / temperature;
    return [
      queries.requiresGrad ? gemm(tape, scaled, documents, { alpha }) : null,
      documents.requiresGrad ? gemm(tape, scaled, queries, { transA: true, alpha }) : null,
    ];
  });
}

/** share · Σ_b (logsumexp S_b − S_b,target b), and its gradient by S [B, N]. */
function rankingLoss(
  tape: Tape,
  scores: Variable,
  targets: readonly number[],
  share: number,
): { loss: Variable; dScores: Variable } {
  const batch = targets.length;
  const logProbs = logSoftmax(tape, scores);
  const at = tape.constant([batch, 1], BigInt64Array.from(targets, BigInt));
  const minus = tape.constant([batch, 1], new Float32Array(batch).fill(-share));
  const loss = mul(tape, neg(tape, sumAll(tape, gatherLast(tape, logProbs, at))), share);
  const probs = mul(tape, exp(tape, logProbs), share);
  const dScores = tape.node('ScatterElements', [probs, at, minus], { axis: 1, reduction: 'add' })[0]!;
  return { loss, dScores };
}
