/**
 * The language-model head and a divergence from a teacher in one block (see `../losses/chunked-head-loss.ts`). With
 * z the student's logits, q = softmax(z), p the teacher's distribution, m the mixture of `divergence-kind.ts`:
 *
 * ```
 * ∂L/∂z = w · q ⊙ (g − Σ q g)
 * forward_kl        w · (q − p)
 * reverse_kl        g = log q − log p
 * generalised_jsd   g = (1−α) (log q − log m)
 * skew_forward_kl   g = −(1−α) p/m
 * skew_reverse_kl   g = log q − log m − α q/m        detached, the mixture a constant: without −α q/m
 * ```
 *
 * `runtime` keeps to ratios of probabilities where there is a mixture, which bounds them: p/m = 1 to the last digit
 * where p = q, so the loss is 0 there to 1e-7, where logarithms of about −10 would leave 1e-6. A probability that
 * underflows has no part in the sum. `haetae`: `Divergence` makes loss and gradient in one kernel.
 *
 * The teacher gives logits or log-probabilities of the tokens of a chunk: both are normalised here. They must be
 * finite. No gradient flows into it.
 */
import {
  add,
  div,
  expand,
  log,
  logSoftmax,
  maximum,
  mul,
  reduceSum,
  slice,
  softmax,
  sub,
} from '../autodiff/expressions.js';
import { formatShape, ShapeError } from '../autodiff/shape.js';
import type { Tape } from '../autodiff/tape.js';
import type { Variable } from '../autodiff/variable.js';
import {
  type ChunkLoss,
  checkHead,
  checkShape,
  chunkedHeadLoss,
  defaultChunk,
} from '../losses/chunked-head-loss.js';
import { type DivergenceKind, hasMixture } from '../losses/divergence-kind.js';
import type { ChunkOptions } from './linear-cross-entropy.js';

/** Logits or log-probabilities of tokens `from` (inclusive) to `to` (exclusive), [to − from, V]. */
export type TeacherLogits = (from: number, to: number) => Variable;

export interface DivergenceOptions extends ChunkOptions {
  kind: DivergenceKind;
  /** Whether the mixture of skew_reverse_kl is a constant of the differentiation. Default false. */
  detached?: boolean;
}

export interface DivergencePart extends Omit<DivergenceOptions, 'chunk'> {
  /** The part's tokens: `from` (inclusive) to `to` (exclusive). */
  from: number;
  to: number;
}

/** Smaller than any normal float32 that takes part in a sum; its logarithm is finite. */
const tiny = 1e-37;

/**
 * The weighted sum of the tokens' divergences, a scalar.
 * @param hidden [T, D]
 * @param head [V, D]
 * @param weights [T, 1]; a mean over tokens has 1 / count
 * @param alpha [T, 1] or a number; without meaning for forward_kl and reverse_kl
 */
export function linearDivergence(
  tape: Tape,
  hidden: Variable,
  head: Variable,
  teacher: TeacherLogits,
  weights: Variable,
  alpha: Variable | number,
  options: DivergenceOptions,
): Variable {
  const { chunk = defaultChunk(head.shape[0]!), ...how } = options;
  const parts = [{ from: 0, to: hidden.shape[0]!, ...how }];
  return linearDivergences(tape, hidden, head, teacher, weights, alpha, parts, { chunk });
}

/**
 * As `linearDivergence`, with a divergence of its own for each run of tokens; the parts tile the tokens. One gradient
 * of the head is accumulated over all of them.
 */
export function linearDivergences(
  tape: Tape,
  hidden: Variable,
  head: Variable,
  teacher: TeacherLogits,
  weights: Variable,
  alpha: Variable | number,
  parts: readonly DivergencePart[],
  { chunk = defaultChunk(head.shape[0]!) }: ChunkOptions = {},
): Variable {
  const name = 'linearDivergence';
  const tokens = hidden.shape[0]!;
  checkHead(name, hidden, head);
  checkShape(name, 'weights', weights, [tokens, 1]);
  if (typeof alpha !== 'number') checkShape(name, 'alpha', alpha, [tokens, 1]);
  const segments = parts.map(({ from, to, kind, detached = false }) => ({
    from,
    to,
    chunkLoss: (first: number, last: number) => {
      const t = teacher(first, last);
      if (t.shape.length !== 2 || t.shape[0] !== last - first || t.shape[1] !== head.shape[0]) {
        const wanted = formatShape([last - first, head.shape[0]!]);
        throw new ShapeError(name, [t], `the teacher must give ${wanted} for tokens ${first} to ${last}`);
      }
      const w = slice(tape, weights, 0, first, last);
      const a =
        typeof alpha === 'number'
          ? expand(tape, tape.scalar(alpha), [last - first, 1])
          : slice(tape, alpha, 0, first, last);
      return (z: Variable): ChunkLoss => {
        if (tape.kernels === 'haetae') {
          const attributes = { kind, detached: Number(detached) };
          const [loss, dLogits] = tape.node('Divergence', [z, t, w, a], attributes);
          return { loss: loss!, dLogits: dLogits!, rowScale: null };
        }
        return hasMixture(kind)
          ? mixtureDivergence(tape, kind, detached, z, t, w, a)
          : plainDivergence(tape, kind, z, t, w);
      };
    },
  }));
  return chunkedHeadLoss(tape, name, hidden, head, segments, chunk);
}

function plainDivergence(
  tape: Tape,
  kind: DivergenceKind,
  student: Variable,
  teacher: Variable,
  weights: Variable,
): ChunkLoss {
  const logQ = logSoftmax(tape, student);
  const logP = logSoftmax(tape, teacher);
  // Not exp(log q), which at log q = −100 is off by 1e-5.
  const q = softmax(tape, student);
  if (kind === 'forward_kl') {
    const p = softmax(tape, teacher);
    const perToken = rowSum(tape, mul(tape, p, sub(tape, logP, logQ)));
    return { loss: mul(tape, perToken, weights), dLogits: sub(tape, q, p), rowScale: weights };
  }
  const g = sub(tape, logQ, logP);
  const qg = mul(tape, q, g);
  const perToken = rowSum(tape, qg);
  return {
    loss: mul(tape, perToken, weights),
    dLogits: sub(tape, qg, mul(tape, q, perToken)),
    rowScale: weights,
  };
}

function mixtureDivergence(
  tape: Tape,
  kind: DivergenceKind,
  detached: boolean,
  student: Variable,
  teacher: Variable,
  weights: Variable,
  alpha: Variable,
): ChunkLoss {
  const q = softmax(tape, student);
  const p = softmax(tape, teacher);
  const rest = sub(tape, 1, alpha); // [C, 1]
  if (kind === 'skew_reverse_kl') {
    const m = atLeastTiny(tape, add(tape, mul(tape, p, rest), mul(tape, q, alpha)));
    const ratio = div(tape, q, m);
    const h = safeLog(tape, ratio);
    const qh = mul(tape, q, h);
    const perToken = rowSum(tape, qh);
    const loss = mul(tape, perToken, weights);
    if (detached) {
      return { loss, dLogits: sub(tape, qh, mul(tape, q, perToken)), rowScale: weights };
    }
    const qg = mul(tape, q, sub(tape, h, mul(tape, ratio, alpha)));
    return { loss, dLogits: sub(tape, qg, mul(tape, q, rowSum(tape, qg))), rowScale: weights };
  }
  const m = atLeastTiny(tape, add(tape, mul(tape, p, alpha), mul(tape, q, rest)));
  const ratio = div(tape, p, m);
  const perTokenP = rowSum(tape, mul(tape, p, safeLog(tape, ratio)));
  const rowScale = mul(tape, weights, rest);
  if (kind === 'skew_forward_kl') {
    const qRatio = mul(tape, q, ratio);
    const dLogits = sub(tape, mul(tape, q, rowSum(tape, qRatio)), qRatio);
    return { loss: mul(tape, perTokenP, weights), dLogits, rowScale };
  }
  const qLog = mul(tape, q, safeLog(tape, div(tape, q, m)));
  const perTokenQ = rowSum(tape, qLog);
  const perToken = add(tape, mul(tape, perTokenP, alpha), mul(tape, perTokenQ, rest));
  return {
    loss: mul(tape, perToken, weights),
    dLogits: sub(tape, qLog, mul(tape, q, perTokenQ)),
    rowScale,
  };
}

/** [C, V] → [C, 1]. */
function rowSum(tape: Tape, x: Variable): Variable {
  return reduceSum(tape, x, [1], true);
}

function atLeastTiny(tape: Tape, x: Variable): Variable {
  return maximum(tape, x, tiny);
}

function safeLog(tape: Tape, x: Variable): Variable {
  return log(tape, atLeastTiny(tape, x));
}
