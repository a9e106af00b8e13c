/**
 * Draws a token from logits: temperature, then top-k, then top-p, then one uniform number, as transformers and vLLM
 * order them. Linear in the vocabulary and without allocation: thresholds are found by selection, not by sorting.
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

/** Work space for one vocabulary; samplers that take turns may share it. */
export class SamplerScratch {
  readonly ids: Int32Array;
  readonly weights: Float64Array;
  readonly order: Float64Array;

  constructor(vocabSize: number) {
    this.ids = new Int32Array(vocabSize);
    this.weights = new Float64Array(vocabSize);
    this.order = new Float64Array(vocabSize);
  }
}

/** Probabilities below 2⁻³² of the largest, summed over the vocabulary, are below what the generator resolves. */
const resolutionNats = 32 * Math.LN2;

/**
 * @param random uniform numbers in [0, 1); called once for each token unless the temperature is 0
 * @throws HaetaeError MODEL_INVALID where no logit is a number
 */
export function sampleToken(
  logits: Float32Array,
  settings: SamplerSettings,
  random: () => number,
  scratch: SamplerScratch,
): number {
  const best = argmax(logits);
  if (best < 0) {
    throw new HaetaeError(
      'MODEL_INVALID',
      'The model gave no logit that is a number. Its weights are damaged, or overflow in their precision.',
    );
  }
  const { temperature, topK, topP } = settings;
  if (temperature === 0 || topK === 1) return best;

  const { ids, weights } = scratch;
  const largest = logits[best]!;
  const lowest = largest - temperature * (Math.log(logits.length) + resolutionNats);
  let count = 0;
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i]!;
    if (logit >= lowest) {
      ids[count] = i;
      weights[count] = logit;
      count++;
    }
  }
  if (topK > 0 && topK < count) {
    count = keepLikeliest(scratch, count, topK, false);
  }
  let total = 0;
  for (let i = 0; i < count; i++) {
    const weight = expNegative((weights[i]! - largest) / temperature);
    weights[i] = weight;
    total += weight;
  }
  if (topP < 1) {
    count = keepLikeliest(scratch, count, topP * total, true);
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
 * Keeps the likeliest of the first `count` candidates, in order of id, until they number `target` or (`byMass`)
 * their weights reach it; at least one. Returns how many are kept.
 */
function keepLikeliest(scratch: SamplerScratch, count: number, target: number, byMass: boolean): number {
  const { ids, weights, order } = scratch;
  for (let i = 0; i < count; i++) order[i] = weights[i]!;
  const { threshold, above } = selectThreshold(order, count, target, byMass);
  let reached = above;
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const weight = weights[i]!;
    if (weight > threshold || (weight === threshold && (reached < target || kept === 0))) {
      if (weight === threshold) reached += byMass ? weight : 1;
      ids[kept] = ids[i]!;
      weights[kept] = weight;
      kept++;
    }
  }
  return kept;
}

/**
 * The value at which the largest elements reach `target`, counted or summed (`byMass`), and what those strictly
 * above it come to. Quickselect with three-way partition (Hoare 1961; Dijkstra's flag); `values` are reordered.
 */
function selectThreshold(
  values: Float64Array,
  count: number,
  target: number,
  byMass: boolean,
): { threshold: number; above: number } {
  let from = 0;
  let to = count;
  let above = 0;
  for (;;) {
    const pivot = medianOfThree(values[from]!, values[(from + to) >>> 1]!, values[to - 1]!);
    // [from, equal) > pivot, [equal, at) = pivot, [less, to) < pivot
    let equal = from;
    let at = from;
    let less = to;
    let sumAbove = 0;
    let sumEqual = 0;
    while (at < less) {
      const value = values[at]!;
      if (value > pivot) {
        sumAbove += byMass ? value : 1;
        values[at++] = values[equal]!;
        values[equal++] = value;
      } else if (value < pivot) {
        values[at] = values[--less]!;
        values[less] = value;
      } else {
        sumEqual += byMass ? value : 1;
        at++;
      }
    }
    if (above + sumAbove >= target && equal > from) {
      to = equal;
    } else if (above + sumAbove + sumEqual >= target || less >= to) {
      return { threshold: pivot, above: above + sumAbove };
    } else {
      above += sumAbove + sumEqual;
      from = less;
    }
  }
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
