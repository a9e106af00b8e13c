/**
 * The k-th largest value, by a heap of the k largest so far with the least on top. NaN is passed over.
 * @param heap takes the k largest, in the order of a heap; at least k long, and k ≥ 1
 */
export function kthLargest(values: Float32Array, k: number, heap: Float32Array): number {
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
