/**
 * The language-model head and its cross-entropy in one block (see `../losses/chunked-head-loss.ts`):
 *
 * ```
 * L = Σ_t w_t · (logsumexp(z_t) − z_t[label_t])        z = hidden · headᵀ
 * ∂L/∂z_t = w_t · (softmax(z_t) − onehot(label_t))
 * ```
 *
 * `runtime`: the gradient is Softmax with −1 added at the label, and the weights multiply D-wide rows. The loss is
 * max z − z[label] − log max softmax(z), since the largest probability is 1 / Σ exp(z − max z): exact where the
 * label's own probability underflows, without a second pass of exponentials. `haetae`: `SoftmaxCrossEntropy` makes loss and gradient in one pass over the logits.
 */
import {
  concat,
  gatherLast,
  gemm,
  log,
  logSoftmax,
  mul,
  neg,
  reduceMax,
  reshape,
  slice,
  softmax,
  sub,
} from '../autodiff/expressions.js';
import type { Tape } from '../autodiff/tape.js';
import type { Variable } from '../autodiff/variable.js';
import {
  type ChunkLoss,
  checkHead,
  checkShape,
  chunkedHeadLoss,
  chunkRanges,
  defaultChunk,
} from '../losses/chunked-head-loss.js';

export interface ChunkOptions {
  /** Most tokens whose logits exist together. Default: `defaultChunk` of the vocabulary. */
  chunk?: number;
}

/**
 * The weighted sum of the tokens' cross-entropies, a scalar.
 * @param hidden [T, D]
 * @param head [V, D]
 * @param labels int64 [T], each 0..V−1, also where the weight is 0
 * @param weights [T, 1]; a mean over tokens has 1 / count
 */
export function linearCrossEntropy(
  tape: Tape,
  hidden: Variable,
  head: Variable,
  labels: Variable,
  weights: Variable,
  { chunk = defaultChunk(head.shape[0]!) }: ChunkOptions = {},
): Variable {
  const name = 'linearCrossEntropy';
  const tokens = hidden.shape[0]!;
  checkHead(name, hidden, head);
  checkShape(name, 'labels', labels, [tokens]);
  checkShape(name, 'weights', weights, [tokens, 1]);
  const chunkLoss = (from: number, to: number) => {
    const target = slice(tape, labels, 0, from, to);
    const weight = slice(tape, weights, 0, from, to);
    const compute = tape.kernels === 'haetae' ? nativeCrossEntropy : runtimeCrossEntropy;
    return (logits: Variable) => compute(tape, logits, target, weight);
  };
  return chunkedHeadLoss(tape, name, hidden, head, [{ from: 0, to: tokens, chunkLoss }], chunk);
}

/**
 * The log-probability of each token's label, [T, 1], without a gradient; logits exist a chunk at a time.
 * @param logits of tokens `from` to `to`, [to − from, V]
 * @param labels int64 [T]
 */
export function labelLogProbs(
  tape: Tape,
  logits: (from: number, to: number) => Variable,
  labels: Variable,
  chunk: number,
): Variable {
  const tokens = labels.shape[0]!;
  return tape.withoutGradient(() => {
    const parts = chunkRanges(0, tokens, chunk).map(({ from, to }) => {
      const target = slice(tape, labels, 0, from, to);
      const z = logits(from, to);
      if (tape.kernels === 'haetae') {
        const ones = tape.constant([to - from, 1], new Float32Array(to - from).fill(1));
        return neg(tape, nativeCrossEntropy(tape, z, target, ones).loss);
      }
      return gatherLast(tape, logSoftmax(tape, z), reshape(tape, target, [to - from, 1]));
    });
    return concat(tape, parts, 0);
  });
}

/** Logits of a linear head, as `labelLogProbs` and teachers want them: hidden [T, D], head [V, D]. */
export function headLogits(
  tape: Tape,
  hidden: Variable,
  head: Variable,
): (from: number, to: number) => Variable {
  checkHead('headLogits', hidden, head);
  return (from, to) => gemm(tape, slice(tape, hidden, 0, from, to), head, { transB: true });
}

function nativeCrossEntropy(tape: Tape, logits: Variable, labels: Variable, weights: Variable): ChunkLoss {
  const [loss, dLogits] = tape.node('SoftmaxCrossEntropy', [logits, labels, weights]);
  return { loss: loss!, dLogits: dLogits!, rowScale: null };
}

function runtimeCrossEntropy(tape: Tape, logits: Variable, labels: Variable, weights: Variable): ChunkLoss {
  const count = logits.shape[0]!;
  const at = reshape(tape, labels, [count, 1]);
  const probs = softmax(tape, logits);
  const distance = sub(tape, reduceMax(tape, logits, [1], true), gatherLast(tape, logits, at));
  const perToken = sub(tape, distance, log(tape, reduceMax(tape, probs, [1], true)));
  const minusOne = tape.constant([count, 1], new Float32Array(count).fill(-1));
  const attributes = { axis: 1, reduction: 'add' };
  return {
    loss: mul(tape, perToken, weights),
    dLogits: tape.node('ScatterElements', [probs, at, minusOne], attributes)[0]!,
    rowScale: weights,
  };
}
