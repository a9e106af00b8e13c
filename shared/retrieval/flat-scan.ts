/**
 * Exact search in JavaScript over a flat FAISS index: the fallback where no addon can be built, and the slow,
 * obvious path the addon is tested against.
 *
 * Every stored vector is compared with the query; the best k are kept in a heap. Order of results: best
 * first, equal scores by ascending row, as native/faiss/flat-scan.cc does.
 *
 * It runs on the event loop, in slices of a few milliseconds between which other work gets its turn.
 * Not covered: IVF and HNSW files; threads.
 */
import { setImmediate } from 'node:timers/promises';
import { HaetaeError } from '../errors.js';
import { type FlatMatrix, readFlatFile } from './flat-file.js';
import { checkSearchParams } from './search-params.js';
import type { VectorHits, VectorIndex } from './vector-index.js';

/** Multiplications between two turns of the event loop: about 4 ms. */
const sliceWork = 1 << 22;
const maxResults = 2 ** 27;
const padding = 3.4028234663852886e38;

/** Four partial sums keep the multiply-add units busy. Rounded to float32: it orders as it is reported. */
function innerProduct(
  vectors: Float32Array,
  at: number,
  queries: Float32Array,
  from: number,
  d: number,
): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let e = 0;
  let i = 0;
  for (; i + 4 <= d; i += 4) {
    a += vectors[at + i]! * queries[from + i]!;
    b += vectors[at + i + 1]! * queries[from + i + 1]!;
    c += vectors[at + i + 2]! * queries[from + i + 2]!;
    e += vectors[at + i + 3]! * queries[from + i + 3]!;
  }
  for (; i < d; i++) a += vectors[at + i]! * queries[from + i]!;
  return Math.fround(a + b + c + e);
}

/** −‖x − q‖², so that higher is better here too. */
function negatedL2(
  vectors: Float32Array,
  at: number,
  queries: Float32Array,
  from: number,
  d: number,
): number {
  let a = 0;
  let b = 0;
  let i = 0;
  for (; i + 2 <= d; i += 2) {
    const x = vectors[at + i]! - queries[from + i]!;
    const y = vectors[at + i + 1]! - queries[from + i + 1]!;
    a += x * x;
    b += y * y;
  }
  if (i < d) a += (vectors[at + i]! - queries[from + i]!) ** 2;
  return -Math.fround(a + b);
}

/** A binary heap of the best k, the worst on top. Rows are offered in ascending order. */
class TopK {
  readonly #scores: Float32Array;
  readonly #rows: Int32Array;
  #size = 0;

  constructor(k: number) {
    this.#scores = new Float32Array(k);
    this.#rows = new Int32Array(k);
  }

  #worse(a: number, b: number): boolean {
    const x = this.#scores[a]!;
    const y = this.#scores[b]!;
    return x < y || (x === y && this.#rows[a]! > this.#rows[b]!);
  }

  #swap(a: number, b: number): void {
    const score = this.#scores[a]!;
    const row = this.#rows[a]!;
    this.#scores[a] = this.#scores[b]!;
    this.#rows[a] = this.#rows[b]!;
    this.#scores[b] = score;
    this.#rows[b] = row;
  }

  #sink(size: number): void {
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      if (left >= size) return;
      const child = left + 1 < size && this.#worse(left + 1, left) ? left + 1 : left;
      if (!this.#worse(child, at)) return;
      this.#swap(child, at);
      at = child;
    }
  }

  offer(score: number, row: number): void {
    if (this.#size === this.#scores.length) {
      if (!(score > this.#scores[0]!)) return;
      this.#scores[0] = score;
      this.#rows[0] = row;
      this.#sink(this.#size);
      return;
    }
    if (Number.isNaN(score)) return;
    let at = this.#size++;
    this.#scores[at] = score;
    this.#rows[at] = row;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#worse(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Best first: takes the worst from the top until nothing is left. Leaves the heap empty. */
  drain(labels: Int32Array, distances: Float32Array, from: number, sign: 1 | -1): void {
    while (this.#size > 0) {
      const at = --this.#size;
      labels[from + at] = this.#rows[0]!;
      distances[from + at] = sign * this.#scores[0]!;
      this.#swap(0, at);
      this.#sink(at);
    }
  }
}

/** Throws RETRIEVAL_DIM_MISMATCH or RETRIEVAL_PARAMETER, as the addon does. */
export function checkSearch(queries: Float32Array, k: number, dimension: number): void {
  if (!Number.isInteger(k) || k < 1 || k > 2 ** 31 - 1)
    throw new HaetaeError('RETRIEVAL_PARAMETER', `k must be a whole number from 1 to 2147483647, got ${k}`);
  if (queries.length === 0)
    throw new HaetaeError('RETRIEVAL_PARAMETER', 'the queries are empty: give at least one vector');
  if (queries.length % dimension !== 0)
    throw new HaetaeError(
      'RETRIEVAL_DIM_MISMATCH',
      `the index expects vectors of ${dimension} dimensions, got ${queries.length} numbers, which is no multiple of it`,
    );
  if ((queries.length / dimension) * k > maxResults)
    throw new HaetaeError('RETRIEVAL_PARAMETER', `more than ${maxResults} results: ask for fewer at a time`);
  const bad = queries.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new HaetaeError('RETRIEVAL_PARAMETER', `the queries hold NaN or Infinity at position ${bad}`);
}

export class FlatScan implements VectorIndex {
  readonly dimension: number;
  readonly size: number;
  readonly description = 'Flat';
  readonly #matrix: FlatMatrix;

  constructor(matrix: FlatMatrix) {
    this.dimension = matrix.dimension;
    this.size = matrix.size;
    this.#matrix = matrix;
  }

  static async open(path: string): Promise<FlatScan> {
    return new FlatScan(await readFlatFile(path));
  }

  /** As `FaissIndex.searchAsync`, for inner product and L2. The queries are copied at once. */
  async searchAsync(queries: Float32Array, k: number, searchParams?: string): Promise<VectorHits> {
    checkSearch(queries, k, this.dimension);
    checkSearchParams(searchParams);
    const { dimension, size } = this;
    const { vectors, metric } = this.#matrix;
    const own = queries.slice();
    const n = own.length / dimension;
    const labels = new Int32Array(n * k).fill(-1);
    const distances = new Float32Array(n * k).fill(metric === 'l2' ? padding : -padding);
    const compare = metric === 'l2' ? negatedL2 : innerProduct;
    const rowsPerSlice = Math.max(1, Math.floor(sliceWork / dimension));
    let budget = rowsPerSlice;
    for (let q = 0; q < n; q++) {
      const top = new TopK(Math.min(k, size));
      for (let row = 0; row < size; ) {
        const end = Math.min(size, row + budget);
        budget -= end - row;
        for (; row < end; row++)
          top.offer(compare(vectors, row * dimension, own, q * dimension, dimension), row);
        if (budget === 0) {
          await setImmediate();
          budget = rowsPerSlice;
        }
      }
      top.drain(labels, distances, q * k, metric === 'l2' ? -1 : 1);
    }
    return { labels, distances };
  }
}
