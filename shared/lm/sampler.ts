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
import type { SamplerScratch } from './sampler-scratch.js';
import { argmax } from './token-logprobs.js';
import { collectCandidates } from './top-k.js';
import { keepTopP } from './top-p.js';

export interface SamplerSettings {
  /** 0: the likeliest token. */
  temperature: number;
  /** 0: all. */
  topK: number;
  /** (0, 1]. */
  topP: number;
}

const drawBlock = 64;

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
  let count = collectCandidates(logits, largest - temperature * scratch.reach, topK, scratch);
  let total = 0;
  for (let i = 0; i < count; i++) {
    const weight = expNegative((logits[ids[i]!]! - largest) / temperature);
    weights[i] = weight;
    total += weight;
  }
  if (topP < 1) {
    count = keepTopP(logits, { largest, temperature, topP, total }, count, scratch);
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
    const weight = logit >= lowest ? expNegative((logit - largest) * inverse) : 0;
    if (weight === 0) continue;
    chosen = i;
    left -= weight;
    if (left < 0) break;
  }
  return chosen;
}
