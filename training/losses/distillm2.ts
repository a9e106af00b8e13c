/**
 * DistiLLM-2 (Ko et al. 2025, arXiv 2503.07067), p the teacher's, q the student's distribution over the whole
 * vocabulary at temperature 1:
 *
 * ```
 * chosen     SKL  = Σ p (log p − log m)    m = α1·p + (1−α1)·q
 * rejected   SRKL = Σ q (log q − log m)    m = (1−α2)·p + α2·q
 * L = mean over pairs of (2−β)·SKL + β·SRKL
 * ```
 *
 * `released` is what the published code does: α and β constant, q of the second mixture a constant of the
 * differentiation. `paper`: α1 and α2 per pair (`adaptive-alpha.ts`), β gradual (`beta-schedule.ts`), and the full
 * gradient. α depends on mean log-probabilities of whole responses, so the graph scores all labels first, then
 * computes logits once more for the loss: a second head GEMM of the student, forward only.
 */
import {
  add,
  batchMatMul,
  cast,
  concat,
  div,
  equal,
  exp,
  greater,
  maximum,
  minimum,
  mul,
  reshape,
  slice,
  sub,
  where,
} from '../autodiff/expressions.js';
import type { Tape } from '../autodiff/tape.js';
import type { Variable } from '../autodiff/variable.js';
import { headLogits, labelLogProbs } from '../blocks/linear-cross-entropy.js';
import { linearDivergences, type TeacherLogits } from '../blocks/linear-divergence.js';
import { differenceOffset, smallestAlpha } from './adaptive-alpha.js';
import { checkShape, defaultChunk } from './chunked-head-loss.js';
import type { Distillm2Loss } from './loss-config.js';

export interface Distillm2Inputs {
  /** [T, D], chosen responses in the first half of the tokens, rejected ones in the second. */
  hidden: Variable;
  /** [V, D] */
  head: Variable;
  teacher: TeacherLogits;
  /** int64 [T] */
  labels: Variable;
  /** [T, 1], of `distillm2Weights`. */
  weights: Variable;
  /** [pairs, T], of `pairMeans`; `paper` only. */
  means?: Variable;
  /** [2]: c1, c2; `paper` only. */
  window?: Variable;
}

export interface Distillm2Graph {
  loss: Variable;
  /** `paper`: `d1`, `d2`, `alpha1`, `alpha2`, each [pairs, 1]; of pairs that are not there, of no meaning. */
  metrics: Record<string, Variable>;
}

/** Adds the loss to the tape, a scalar. */
export function distillm2(
  tape: Tape,
  loss: Distillm2Loss,
  inputs: Distillm2Inputs,
  { chunk = defaultChunk(inputs.head.shape[0]!) }: { chunk?: number } = {},
): Distillm2Graph {
  const { hidden, head, teacher, weights } = inputs;
  const tokens = hidden.shape[0]!;
  if (tokens % 2 !== 0) throw new RangeError(`pairs lie in two halves, not in ${tokens} tokens`);
  const { alpha, metrics } =
    loss.form === 'paper'
      ? alphaPerToken(tape, loss.alpha, inputs, chunk)
      : { alpha: loss.alpha, metrics: {} };
  const parts = [
    { from: 0, to: tokens / 2, kind: 'skew_forward_kl' },
    { from: tokens / 2, to: tokens, kind: 'skew_reverse_kl', detached: loss.detached },
  ] as const;
  const total = linearDivergences(tape, hidden, head, teacher, weights, alpha, parts, { chunk });
  return { loss: total, metrics };
}

/** α of each token's pair [T, 1], and what it was made of. */
function alphaPerToken(
  tape: Tape,
  largest: number,
  { hidden, head, teacher, labels, means, window }: Distillm2Inputs,
  chunk: number,
): { alpha: Variable; metrics: Record<string, Variable> } {
  const tokens = hidden.shape[0]!;
  if (!means || !window) throw new Error('distillm2 in the form "paper" needs means and window');
  const pairs = means.shape[0]!;
  checkShape('distillm2', 'means', means, [pairs, tokens]);
  checkShape('distillm2', 'window', window, [2]);
  return tape.withoutGradient(() => {
    const logP = labelLogProbs(tape, teacher, labels, chunk);
    const logQ = labelLogProbs(tape, headLogits(tape, hidden, head), labels, chunk);
    const sides = [0, 1].map((side) => {
      const [from, to] = [(side * tokens) / 2, ((side + 1) * tokens) / 2];
      const mean = slice(tape, means, 1, from, to); // [pairs, T/2]
      // In float32 whatever the precision of matrices: α moves a hundred times as much as d does.
      const likelihood = (logProbs: Variable) =>
        exp(tape, batchMatMul(tape, mean, slice(tape, logProbs, 0, from, to))); // [pairs, 1]
      const [p, q] = [likelihood(logP), likelihood(logQ)];
      const d = side === 0 ? sub(tape, p, q) : sub(tape, q, p);
      const c = reshape(tape, slice(tape, window, 0, side, side + 1), []);
      const alpha = adaptiveAlphas(tape, c, d, largest); // [pairs, 1]
      // Tokens of no pair get the largest α, which no formula minds; their weight is 0.
      const member = cast(tape, greater(tape, mean, 0), 'float32');
      const perToken = batchMatMul(tape, member, sub(tape, alpha, largest), { transA: true });
      return { d, alpha, perToken: add(tape, perToken, largest) }; // [T/2, 1]
    });
    const [chosen, rejected] = sides as [(typeof sides)[0], (typeof sides)[0]];
    return {
      alpha: concat(tape, [chosen.perToken, rejected.perToken], 0),
      metrics: { d1: chosen.d, d2: rejected.d, alpha1: chosen.alpha, alpha2: rejected.alpha },
    };
  });
}

/** `adaptiveAlpha` for all pairs: c a scalar, d [pairs, 1]. */
function adaptiveAlphas(tape: Tape, c: Variable, d: Variable, largest: number): Variable {
  const sum = add(tape, d, differenceOffset);
  const divisor = where(tape, equal(tape, sum, 0), differenceOffset, sum);
  const alpha = sub(tape, 1, div(tape, mul(tape, c, 1 - largest), divisor));
  return minimum(tape, maximum(tape, alpha, smallestAlpha), largest);
}
