/** The sequences that a packed batch is made of, each as a teacher sees it alone. */
import type { TeacherBatch } from './teacher.js';

export interface Segment {
  /** Index among the batch's T positions of its first token. */
  start: number;
  /** Its tokens, the label of the last position included. */
  tokens: Int32Array;
  /** The first of its positions that is trained on, counted from `start`; all up to the last that is, are kept. */
  from: number;
  positions: number;
}

/** Those with a position that is trained on. */
export function segmentsOf(batch: TeacherBatch, length: number): Segment[] {
  const { inputIds, labels, visibleFrom, mask } = batch;
  const segments: Segment[] = [];
  const add = (start: number, end: number) => {
    const first = mask.subarray(start, end).indexOf(1);
    if (first < 0) return;
    const last = mask.subarray(start, end).lastIndexOf(1);
    const tokens = new Int32Array(end - start + 1);
    for (let i = start; i < end; i++) tokens[i - start] = Number(inputIds[i]);
    tokens[end - start] = Number(labels[end - 1]);
    segments.push({ start, tokens, from: first, positions: last - first + 1 });
  };
  for (let row = 0; row < inputIds.length; row += length) {
    let start = row;
    for (let i = row + 1; i <= row + length; i++) {
      // A sequence begins where a token sees nothing before itself; so does each token of padding.
      if (i === row + length || visibleFrom[i] === i - row) {
        add(start, i);
        start = i;
      }
    }
  }
  return segments;
}
