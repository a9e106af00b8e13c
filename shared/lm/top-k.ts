/** Top-k: candidates of a draw, chosen by a bounded heap. */
import { kthLargest } from './kth-largest.js';
import type { SamplerScratch } from './sampler-scratch.js';

/** Puts ids of logits that are at least `lowest`, and among the `topK` largest (0: all), into `ids`, ascending: returns their number. */
export function collectCandidates(
  logits: Float32Array,
  lowest: number,
  topK: number,
  scratch: SamplerScratch,
): number {
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
