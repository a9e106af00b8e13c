/**
 * Draws a token from logits: temperature, then top-k, then top-p, then one uniform number, as transformers and vLLM
 * order them. It passes over the vocabulary a few times and allocates nothing: thresholds are selected (top-k by a
 * bounded heap, top-p by a histogram of probability mass and quickselect inside one of its bins), nothing is sorted.
 *
 *   p(i) ∝ exp(logit(i) / temperature) over the tokens that are kept
 *   top-k  keeps the k likeliest
 *   top-p  keeps the likeliest of these, down to the one with which they reach the probability p
 *
 * Among equally likely tokens the lower id is kept. The kept tokens are walked in order of id, so that a tiny
 * difference of a logit (another batch, another order of additions) moves a boundary a little and no more.
 */
import { HaetaeError } from '../errors.js';
import { expNegative } from './exp-table.js';
import { argmax } from './token-logprobs.js';

export interface SamplerSettings {
  /** 0: the likeliest token. */
  temperature: number;
  /** 0: all. */
  topK: number;
  /** (0, 1]. */
  topP: number;
}

/** Probabilities below 2⁻³² of the largest, summed over the vocabulary, are below what the generator resolves. */
const resolutionNats = 32 * Math.LN2;
const binsPerNat = 32;
const drawBlock = 64;

/** Work space for one vocabulary; samplers that take turns may share it. */
export class SamplerScratch {
  readonly ids: Int32Array;
  readonly weights: Float64Array;
  readonly values: Float32Array;
  /** Probability mass by distance from the largest logit. */
  readonly bins: Float64Array;
  /** Distance, in nats of the tempered distribution, from which on tokens are not looked at. */
  readonly reach: number;

  constructor(vocabSize: number) {
    this.ids = new Int32Array(vocabSize);
    this.weights = new Float64Array(vocabSize);
    this.values = new Float32Array(vocabSize);
    this.reach = Math.log(vocabSize) + resolutionNats;
    this.bins = new Float64Array(Math.ceil(this.reach * binsPerNat) + 2);
  }
}

/**
 * @param random uniform numbers in [0, 1); called once for each token unless the temperature is 0
 * @throws HaetaeError MODEL_INVALID where no logit is a number
 */
export function sampleToken(
  logits: Float32Array,
  { temperature, topK, topP }: SamplerSettings,
  random: () => number,
  scratch: SamplerScratch,
): number {
  const best = argmax(logits);
  if (best < 0 || logits[best] === Number.POSITIVE_INFINITY) {
    throw new HaetaeError(
      'MODEL_INVALID',
      'The model gave logits that are no finite numbers. Its weights are damaged, or overflow in their precision.',
    );
  }
  if (temperature === 0 || topK === 1) return best;

  const { ids, weights } = scratch;
  const largest = logits[best]!;
  if (topP === 1 && (topK === 0 || topK >= logits.length)) {
    return drawFromAll(logits, best, temperature, random, scratch);
  }
  let count = collect(logits, largest - temperature * scratch.reach, topK, scratch);
  let total = 0;
  for (let i = 0; i < count; i++) {
    const weight = expNegative((logits[ids[i]!]! - largest) / temperature);
    weights[i] = weight;
    total += weight;
  }
  if (topP < 1) {
    count = dropTail(count, ((1 - topP) * total) / count, scratch);
    count = keepNucleus(logits, largest, temperature, count, topP * total, scratch);
    total = 0;
    for (let i = 0; i < count; i++) total += weights[i]!;
  }
  let left = random() * total;
  let chosen = best;
  for (let i = 0; i < count; i++) {
    if (weights[i]! > 0) {
      chosen = ids[i]!;
      left -= weights[i]!;
      if (left < 0) break;
    }
  }
  return chosen;
}

/**
 * With nothing cut off: one pass that sums the weights of blocks of 64, then a walk over the sums, and over the one
 * block that is hit.
 */
function drawFromAll(
  logits: Float32Array,
  best: number,
  temperature: number,
  random: () => number,
  { weights: sums, reach }: SamplerScratch,
): number {
  const largest = logits[best]!;
  const inverse = 1 / temperature;
  const lowest = largest - temperature * reach;
  let total = 0;
  let blocks = 0;
  for (let from = 0; from < logits.length; from += drawBlock) {
    const end = Math.min(from + drawBlock, logits.length);
    let sum = 0;
    for (let i = from; i < end; i++) {
      const logit = logits[i]!;
      if (logit >= lowest) sum += expNegative((logit - largest) * inverse);
    }
    sums[blocks++] = sum;
    total += sum;
  }
  let left = random() * total;
  let block = 0;
  while (block < blocks - 1 && left >= sums[block]!) left -= sums[block++]!;
  // rounding may leave a little behind the last token: the last that can be drawn is drawn then
  let chosen = best;
  const from = block * drawBlock;
  for (let i = from; i < Math.min(from + drawBlock, logits.length); i++) {
    const logit = logits[i]!;
    if (!(logit >= lowest)) continue;
    chosen = i;
    left -= expNegative((logit - largest) * inverse);
    if (left < 0) break;
  }
  return chosen;
}

/** Puts ids of logits that are at least `lowest`, and among the `topK` largest (0: all), into `ids`, ascending. */
function collect(logits: Float32Array, lowest: number, topK: number, scratch: SamplerScratch): number {
  const { ids } = scratch;
  let threshold = lowest;
  // how many elements at the threshold itself are kept
  let ties = logits.length;
  if (topK > 0 && topK < logits.length) {
    const kth = kthLargest(logits, topK, scratch.values);
    if (kth >= lowest) {
      threshold = kth;
      ties = topK;
      for (let i = 0; i < topK; i++) if (scratch.values[i]! > kth) ties--;
    }
  }
  let count = 0;
  const { length } = logits;
  let i = 0;
  while (i < length) {
    // mostly none of eight is
    while (
      i + 8 <= length &&
      !(
        logits[i]! >= threshold ||
        logits[i + 1]! >= threshold ||
        logits[i + 2]! >= threshold ||
        logits[i + 3]! >= threshold ||
        logits[i + 4]! >= threshold ||
        logits[i + 5]! >= threshold ||
        logits[i + 6]! >= threshold ||
        logits[i + 7]! >= threshold
      )
    ) {
      i += 8;
    }
    for (const end = Math.min(i + 8, length); i < end; i++) {
      const logit = logits[i]!;
      if (logit >= threshold && (logit > threshold || ties-- > 0)) ids[count++] = i;
    }
  }
  return count;
}

/** The k-th largest, by a heap of the k largest so far with the least on top; the heap is left in `heap`. */
function kthLargest(values: Float32Array, k: number, heap: Float32Array): number {
  heap.fill(Number.NEGATIVE_INFINITY, 0, k);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!(value > heap[0]!)) continue;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= k) break;
      if (child + 1 < k && heap[child + 1]! < heap[child]!) child++;
      if (!(heap[child]! < value)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = value;
  }
  return heap[0]!;
}

/**
 * Drops candidates so light that all of them together could not weigh what top-p leaves out: they are outside of
 * the nucleus whatever it is.
 */
function dropTail(count: number, lightest: number, { ids, weights }: SamplerScratch): number {
  let kept = 0;
  for (let i = 0; i < count; i++) {
    if (weights[i]! >= lightest * (1 - 1e-9)) {
      ids[kept] = ids[i]!;
      weights[kept] = weights[i]!;
      kept++;
    }
  }
  return kept;
}

/** Keeps the likeliest candidates, in order of id, until their weights reach `target`; at least one. */
function keepNucleus(
  logits: Float32Array,
  largest: number,
  temperature: number,
  count: number,
  target: number,
  { ids, weights, values, bins }: SamplerScratch,
): number {
  const binOf = (logit: number) => (((largest - logit) / temperature) * binsPerNat) | 0;
  bins.fill(0);
  for (let i = 0; i < count; i++) bins[binOf(logits[ids[i]!]!)]! += weights[i]!;
  let above = 0;
  let bin = 0;
  while (bin < bins.length - 1 && above + bins[bin]! < target) above += bins[bin++]!;

  let inBin = 0;
  for (let i = 0; i < count; i++) {
    const logit = logits[ids[i]!]!;
    if (binOf(logit) === bin) values[inBin++] = logit;
  }
  // rounding may leave the target unreached by everything: then everything is kept
  if (inBin === 0) return count;
  const weightOf = (logit: number) => expNegative((logit - largest) / temperature);
  const threshold = selectByMass(values, inBin, target - above, weightOf);
  let reached = above + threshold.above;
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const logit = logits[ids[i]!]!;
    if (logit < threshold.value) continue;
    if (logit === threshold.value) {
      if (reached >= target && kept > 0) continue;
      reached += weights[i]!;
    }
    ids[kept] = ids[i]!;
    weights[kept] = weights[i]!;
    kept++;
  }
  return kept;
}

/**
 * The value at which the weights of the largest of the first `count` values reach `target`, and the weight of those
 * strictly above it. Quickselect with three-way partition (Hoare 1961; Dijkstra's flag); `values` are reordered.
 */
function selectByMass(
  values: Float32Array,
  count: number,
  target: number,
  weightOf: (value: number) => number,
): { value: number; above: number } {
  let from = 0;
  let to = count;
  let above = 0;
  for (;;) {
    const pivot = medianOfThree(values[from]!, values[(from + to) >>> 1]!, values[to - 1]!);
    // [from, equal) > pivot, [equal, at) = pivot, [less, to) < pivot
    let equal = from;
    let at = from;
    let less = to;
    let massAbove = 0;
    while (at < less) {
      const value = values[at]!;
      if (value > pivot) {
        massAbove += weightOf(value);
        values[at++] = values[equal]!;
        values[equal++] = value;
      } else if (value < pivot) {
        values[at] = values[--less]!;
        values[less] = value;
      } else {
        at++;
      }
    }
    const massEqual = (less - equal) * weightOf(pivot);
    if (equal > from && above + massAbove >= target) {
      to = equal;
    } else if (less === to || above + massAbove + massEqual >= target) {
      return { value: pivot, above: above + massAbove };
    } else {
      above += massAbove + massEqual;
      from = less;
    }
  }
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
