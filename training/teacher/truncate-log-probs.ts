/**
 * A distribution over a vocabulary, kept by its k most probable tokens and a tail bucket:
 *
 * ```
 * log p(v)    stored, for the k largest (ties: the lower id)
 * tail        log((1 − Σ_k p) / (V − k)), for each of the others
 * ```
 *
 * So the mass that is cut off is spread evenly over the tokens that are not kept: the truncated distribution sums to
 * 1, and gives what the student puts there a price, where dropping it would let mass leak into the tail unseen. The
 * tail's mass is summed over the tail itself, in double precision: 1 − Σ would be rounding where the teacher is sure.
 * With k = V there is no tail (its log-probability is stored as 0 and never read).
 */
import { kthLargest } from '../../shared/lm/kth-largest.js';

export interface TopKLogProbs {
  /** Ascending by id. [n, k] */
  ids: Uint32Array;
  /** [n, k] */
  logProbs: Float32Array;
  /** [n] */
  tail: Float32Array;
}

/** @param logits [n, vocabSize], finite; log-probabilities will do */
export function truncateLogProbs(logits: Float32Array, vocabSize: number, k: number): TopKLogProbs {
  if (!(Number.isInteger(k) && k >= 1 && k <= vocabSize)) {
    throw new RangeError(`k must be between 1 and the vocabulary's ${vocabSize}, got ${k}`);
  }
  const n = rowsOf(logits, vocabSize);
  const result = {
    ids: new Uint32Array(n * k),
    logProbs: new Float32Array(n * k),
    tail: new Float32Array(n),
  };
  const heap = new Float32Array(k);
  for (let row = 0; row < n; row++) {
    const values = logits.subarray(row * vocabSize, (row + 1) * vocabSize);
    const logSum = logSumExp(values);
    const threshold = kthLargest(values, k, heap);
    let ties = k;
    for (const value of heap) if (value > threshold) ties--;
    let at = row * k;
    // Log-sum-exp of the tail, about its largest so far.
    let tailMax = Number.NEGATIVE_INFINITY;
    let tailSum = 0;
    for (let id = 0; id < vocabSize; id++) {
      const value = values[id]!;
      if (value > threshold || (value === threshold && ties-- > 0)) {
        result.ids[at] = id;
        result.logProbs[at++] = value - logSum;
      } else if (value > tailMax) {
        tailSum = tailSum * Math.exp(tailMax - value) + 1;
        tailMax = value;
      } else {
        tailSum += Math.exp(value - tailMax);
      }
    }
    if (k < vocabSize) result.tail[row] = tailMax - logSum + Math.log(tailSum / (vocabSize - k));
  }
  return result;
}

/** Log-probabilities of logits [n, vocabSize], summed in double precision. */
export function normaliseLogits(logits: Float32Array, vocabSize: number): Float32Array {
  const n = rowsOf(logits, vocabSize);
  const result = new Float32Array(logits.length);
  for (let row = 0; row < n; row++) {
    const logSum = logSumExp(logits.subarray(row * vocabSize, (row + 1) * vocabSize));
    for (let i = row * vocabSize; i < (row + 1) * vocabSize; i++) result[i] = logits[i]! - logSum;
  }
  return result;
}

function rowsOf(logits: Float32Array, vocabSize: number): number {
  const n = logits.length / vocabSize;
  if (!Number.isInteger(n)) {
    throw new RangeError(`${logits.length} logits are no whole rows of a vocabulary of ${vocabSize}`);
  }
  return n;
}

function logSumExp(values: Float32Array): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) if (values[i]! > max) max = values[i]!;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i]! - max);
  const logSum = max + Math.log(sum);
  if (!Number.isFinite(logSum)) {
    throw new RangeError('a teacher gives logits that are no numbers: its weights overflow or are damaged');
  }
  return logSum;
}
