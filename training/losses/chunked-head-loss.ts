/**
 * A loss over the logits of a linear head, in chunks of tokens:
 *
 * ```
 * for each chunk of C tokens:
 *   logits    = hidden · headᵀ                  [C, V]
 *   loss, dLogits                               [C, 1], [C, V]
 *   dHidden   = dLogits · head                  [C, D]
 *   dHead    += dLogitsᵀ · hidden               [V, D]
 * ```
 *
 * Value and gradient are computed in one pass, since both need the logits; so no more than one chunk of them has to
 * exist at a time (full logits of 4,096 tokens over 32,000 entries are 524 MB). Each chunk waits for the one before.
 * What the loss is multiplied by later multiplies the gradients, and where that is the constant 1 costs nothing. Where
 * the head or the hidden states want no gradient (LoRA; a head that is trained alone), none is computed for them.
 */
import { concat, expand, gemm, mul, slice, sumAll } from '../autodiff/expressions.js';
import { formatShape, ShapeError } from '../autodiff/shape.js';
import type { Tape } from '../autodiff/tape.js';
import type { Variable } from '../autodiff/variable.js';

/** Loss of the tokens of one chunk, and its gradient. */
export interface ChunkLoss {
  /** [C, 1], weighted. */
  loss: Variable;
  /** [C, V]: the gradient of the sum of `loss` by the logits, but for `rowScale`. */
  dLogits: Variable;
  /** [C, 1]: what the rows of `dLogits` still have to be multiplied by, which is cheaper beside D columns than V. */
  rowScale: Variable | null;
}

/** Tokens `from` (inclusive) to `to` (exclusive), a loss of their own. */
export interface LossSegment {
  from: number;
  to: number;
  /** Is given the logits [to − from, V] of a chunk. What does not depend on them comes before. */
  chunkLoss(from: number, to: number): (logits: Variable) => ChunkLoss;
}

/** Most bytes of logits in a chunk, unless it would be too few tokens for a product. */
const chunkBytes = 2 ** 25;

/**
 * Tokens in a chunk, unless the caller knows better. Fewer keep less in memory; but every chunk adds to the whole
 * gradient of the head, which with 8,192 entries and 256 tokens took 3 % of a step of 7M parameters.
 */
export function defaultChunk(vocabSize: number): number {
  return Math.min(Math.max(Math.floor(chunkBytes / (4 * vocabSize)), 128), 1024);
}

/**
 * The sum of all segments' losses, a scalar.
 * @param hidden [T, D]
 * @param head [V, D]
 * @param chunk most tokens whose logits exist together, ≥ 1
 * @throws ShapeError where hidden and head do not fit, RangeError for an impossible chunk or segment
 */
export function chunkedHeadLoss(
  tape: Tape,
  name: string,
  hidden: Variable,
  head: Variable,
  segments: readonly LossSegment[],
  chunk: number,
): Variable {
  checkHead(name, hidden, head);
  checkSegments(segments, hidden.shape[0]!);
  let dHidden: Variable | null = null;
  let dHead: Variable | null = null;
  const forward = (): Variable => {
    const losses: Variable[] = [];
    const dRows: Variable[] = [];
    let done: Variable[] = [];
    for (const segment of segments) {
      for (const { from, to } of chunkRanges(segment.from, segment.to, chunk)) {
        const lossOf = segment.chunkLoss(from, to);
        const x = after(tape, slice(tape, hidden, 0, from, to), done);
        const { loss, dLogits, rowScale } = lossOf(gemm(tape, x, head, { transB: true }));
        losses.push(loss);
        done = [loss];
        if (hidden.requiresGrad) {
          const dx = gemm(tape, dLogits, head);
          dRows.push(rowScale ? mul(tape, dx, rowScale) : dx);
          done.push(dx);
        }
        if (head.requiresGrad) {
          const scaled = rowScale ? mul(tape, x, rowScale) : x;
          dHead = gemm(tape, dLogits, scaled, { transA: true, c: dHead });
          done.push(dHead);
        }
      }
    }
    dHidden = hidden.requiresGrad ? concat(tape, dRows, 0) : null;
    return sumAll(tape, concat(tape, losses, 0));
  };
  return tape.block(name, [hidden, head], forward, (dLoss) => {
    const scaled = (gradient: Variable | null) =>
      gradient === null || dLoss.name === tape.scalar(1).name ? gradient : mul(tape, gradient, dLoss);
    return [scaled(dHidden), scaled(dHead)];
  });
}

/**
 * x [C, D], but not before `done`: matrices of one column or D. ONNX Runtime orders nodes by itself, and would compute
 * the logits of all chunks before it adds up the head's gradient; so one row of what has to be done is put under x and
 * taken off again.
 */
function after(tape: Tape, x: Variable, done: readonly Variable[]): Variable {
  if (done.length === 0) return x;
  const [rows, width] = x.shape as [number, number];
  const marks = done.map((it) => expand(tape, slice(tape, it, 0, 0, 1), [1, width]));
  return slice(tape, concat(tape, [x, ...marks], 0), 0, 0, rows);
}

/** @throws ShapeError where the hidden states [T, D] and the head [V, D] do not fit */
export function checkHead(name: string, hidden: Variable, head: Variable): void {
  const fits = hidden.shape.length === 2 && head.shape.length === 2 && hidden.shape[1] === head.shape[1];
  if (!fits) throw new ShapeError(name, [hidden, head], 'hidden must be [T, D], the head [V, D]');
}

/** @throws ShapeError where `value` has another shape */
export function checkShape(name: string, what: string, value: Variable, shape: readonly number[]): void {
  if (value.shape.length !== shape.length || value.shape.some((size, i) => size !== shape[i])) {
    throw new ShapeError(name, [value], `${what} must be ${formatShape(shape)}`);
  }
}

/** Tokens `from` to `to` in runs of at most `chunk`. */
export function chunkRanges(from: number, to: number, chunk: number): { from: number; to: number }[] {
  if (!(Number.isInteger(chunk) && chunk >= 1)) {
    throw new RangeError(`a chunk must be a positive number of tokens, got ${chunk}`);
  }
  const count = Math.ceil((to - from) / chunk);
  return Array.from({ length: count }, (_, i) => ({
    from: from + i * chunk,
    to: Math.min(from + (i + 1) * chunk, to),
  }));
}

function checkSegments(segments: readonly LossSegment[], tokens: number): void {
  let end = 0;
  for (const { from, to } of segments) {
    if (from !== end || to <= from) {
      throw new RangeError(`a segment of tokens ${from} to ${to} follows token ${end}`);
    }
    end = to;
  }
  if (end !== tokens) throw new RangeError(`the segments cover ${end} of ${tokens} tokens`);
}
