/** Top-k: candidates of a draw, chosen by a bounded heap. */
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
