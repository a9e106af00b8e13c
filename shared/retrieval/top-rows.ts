/** The k highest positive scores of a dense array, best first; ties keep the smaller row. A bounded min-heap. */
import type { RankedList } from './fusion.js';

export function topRows(scores: Float32Array, k: number): RankedList {
  const heap: number[] = [];
  // `worse(a, b)`: row a ranks behind row b.
  const worse = (a: number, b: number): boolean => {
    const x = scores[a] as number;
    const y = scores[b] as number;
    return x < y || (x === y && a > b);
  };
  for (let row = 0; row < scores.length; row++) {
    if (!((scores[row] as number) > 0)) continue;
    if (heap.length < k) {
      heap.push(row);
      siftUp(heap, worse);
    } else if (k > 0 && worse(heap[0] as number, row)) {
      heap[0] = row;
      siftDown(heap, worse);
    }
  }
  const rows = heap.sort((a, b) => (worse(a, b) ? 1 : -1));
  return { rows, scores: rows.map((row) => scores[row] as number) };
}

function siftUp(heap: number[], worse: (a: number, b: number) => boolean): void {
  let at = heap.length - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!worse(heap[at] as number, heap[parent] as number)) return;
    swap(heap, at, parent);
    at = parent;
  }
}

function siftDown(heap: number[], worse: (a: number, b: number) => boolean): void {
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    if (left >= heap.length) return;
    const right = left + 1;
    const child = right < heap.length && worse(heap[right] as number, heap[left] as number) ? right : left;
    if (!worse(heap[child] as number, heap[at] as number)) return;
    swap(heap, at, child);
    at = child;
  }
}

function swap(heap: number[], a: number, b: number): void {
  const kept = heap[a] as number;
  heap[a] = heap[b] as number;
  heap[b] = kept;
}
