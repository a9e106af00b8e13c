/**
 * Sums weighted columns of the matrix into one array and keeps the best rows, without reading what cannot matter.
 *
 * Columns come with their largest entries, sorted by them, greatest first (rare terms have large entries and short
 * columns). Once the k-th best partial sum exceeds all that the remaining columns could add, a row that was not
 * met yet cannot be among the best (MaxScore, Turtle and Flood 1995, by columns): from there on the remaining,
 * longest columns are only looked up for the rows that can still win. The result is exact: sums are added in the
 * same order with and without the shortcut.
 */
import type { FrozenBm25 } from './frozen-bm25.js';
import { TopK } from './top-k.js';

export interface WeightedColumn {
  id: number;
  /** > 0 */
  weight: number;
  /** weight · largest entry of the column. */
  bound: number;
}

type Matrix = Pick<FrozenBm25, 'indptr' | 'rows' | 'scores'>;

/** Columns of fewer entries than docCount / this are summed without looking for the shortcut. */
const SHORT_COLUMN = 32;
/** After a failed try, the next waits until the rest has shrunk to this share (a try reads all sums). */
const RETRY = 0.75;
/** Looking a row up costs about as much as reading this many entries. */
const LOOKUP_COST = 24;
/** More than the rounding of a float32 sum of some hundred columns. */
const ROUNDING = 1e-4;

export class ColumnSum {
  private readonly matrix: Matrix;
  /** All zero between calls. [docCount] */
  private readonly sums: Float32Array;
  /** The rows whose sum is not zero, in the order they were met; one more, see `addColumn`. [docCount + 1] */
  private readonly touched: Uint32Array;
  private count = 0;

  constructor(matrix: Matrix, docCount: number) {
    this.matrix = matrix;
    this.sums = new Float32Array(docCount);
    this.touched = new Uint32Array(docCount + 1);
  }

  /** The sums of all rows. [docCount] */
  all(columns: readonly WeightedColumn[]): Float32Array {
    for (const column of columns) this.add(column);
    const all = this.sums.slice();
    this.clear();
    return all;
  }

  /** The k rows with the largest sums > 0, best first, lower row first among equals. */
  best(columns: readonly WeightedColumn[], k: number): { rows: Uint32Array; scores: Float32Array } {
    const { indptr } = this.matrix;
    const capacity = Math.min(k, this.sums.length);
    let remaining = columns.reduce((sum, { bound }) => sum + bound, 0);
    // the k-th best sum is at most what the columns so far can add: before half of it is in, nothing can be cut
    let tryBelow = remaining / 2;
    for (let i = 0; i < columns.length; i += 1) {
      const column = columns[i] as WeightedColumn;
      const length = (indptr[column.id + 1] as number) - (indptr[column.id] as number);
      if (remaining < tryBelow && length > this.sums.length / SHORT_COLUMN && this.count >= capacity) {
        const threshold = this.collect(capacity).threshold * (1 - ROUNDING);
        if (remaining < threshold) {
          this.finish(columns.slice(i), threshold, remaining);
          break;
        }
        tryBelow = Math.max(threshold, RETRY * remaining);
      }
      this.add(column);
      remaining -= column.bound;
    }
    const best = this.collect(capacity);
    this.clear();
    return best.take();
  }

  private collect(k: number): TopK {
    const best = new TopK(k);
    offerTouched(best, this.touched, this.sums, this.count);
    return best;
  }

  private add({ id, weight }: WeightedColumn): void {
    const { indptr, rows, scores } = this.matrix;
    const from = indptr[id] as number;
    const to = indptr[id + 1] as number;
    this.count = addColumn(this.sums, this.touched, this.count, rows, scores, from, to, weight);
  }

  /** Completes the sums of the rows that can still reach the threshold, and forgets the others. */
  private finish(columns: readonly WeightedColumn[], threshold: number, remaining: number): void {
    const { indptr, rows, scores } = this.matrix;
    let bound = remaining;
    for (const { id, weight, bound: columnBound } of columns) {
      this.keep(threshold - bound);
      const from = indptr[id] as number;
      const to = indptr[id + 1] as number;
      if (this.count * LOOKUP_COST < to - from) {
        lookUpColumn(this.sums, this.touched, this.count, rows, scores, from, to, weight);
      } else addToMet(this.sums, rows, scores, from, to, weight);
      bound -= columnBound;
    }
  }

  /** Drops touched rows whose sum is below `least`. */
  private keep(least: number): void {
    const { sums, touched } = this;
    let kept = 0;
    for (let i = 0; i < this.count; i += 1) {
      const row = touched[i] as number;
      if ((sums[row] as number) >= least) touched[kept++] = row;
      else sums[row] = 0;
    }
    this.count = kept;
  }

  private clear(): void {
    const { sums, touched } = this;
    for (let i = 0; i < this.count; i += 1) sums[touched[i] as number] = 0;
    this.count = 0;
  }
}

// The inner loops stand alone so that each is compiled for exactly these arrays.

function offerTouched(best: TopK, touched: Uint32Array, sums: Float32Array, count: number): void {
  let { threshold } = best;
  for (let i = 0; i < count; i += 1) {
    const row = touched[i] as number;
    const sum = sums[row] as number;
    if (sum < threshold) continue;
    best.offer(row, sum);
    threshold = best.threshold;
  }
}

/** Adds a column and lists the rows it meets first; entries and weights are positive, so zero means new. */
function addColumn(
  sums: Float32Array,
  touched: Uint32Array,
  count: number,
  rows: Uint16Array | Uint32Array,
  scores: Float32Array,
  from: number,
  to: number,
  weight: number,
): number {
  let met = count;
  for (let entry = from; entry < to; entry += 1) {
    const row = rows[entry] as number;
    const sum = sums[row] as number;
    // written always, kept only where the row is new: no branch to mispredict
    touched[met] = row;
    met += sum === 0 ? 1 : 0;
    sums[row] = sum + weight * (scores[entry] as number);
  }
  return met;
}

/** Adds a column to the rows that were met already. */
function addToMet(
  sums: Float32Array,
  rows: Uint16Array | Uint32Array,
  scores: Float32Array,
  from: number,
  to: number,
  weight: number,
): void {
  for (let entry = from; entry < to; entry += 1) {
    const row = rows[entry] as number;
    const sum = sums[row] as number;
    if (sum !== 0) sums[row] = sum + weight * (scores[entry] as number);
  }
}

/** Adds a column's entries of the listed rows, each found by bisection. */
function lookUpColumn(
  sums: Float32Array,
  touched: Uint32Array,
  count: number,
  rows: Uint16Array | Uint32Array,
  scores: Float32Array,
  from: number,
  to: number,
  weight: number,
): void {
  for (let i = 0; i < count; i += 1) {
    const row = touched[i] as number;
    let low = from;
    let high = to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((rows[middle] as number) < row) low = middle + 1;
      else high = middle;
    }
    if (low < to && rows[low] === row) sums[row]! += weight * (scores[low] as number);
  }
}
