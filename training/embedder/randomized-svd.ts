/**
 * Randomised truncated SVD of a sparse matrix (Halko, Martinsson & Tropp 2011, algorithms 4.4 and 5.1):
 *
 * ```
 * Q = orth(Aᵀ G)                    G [rows, rank + oversampling], Gaussian, seeded
 * repeat: Q = orth(Aᵀ (A Q))        powerIterations times: sharpens the spectrum, re-orthonormalised each time
 * (A Q)ᵀ(A Q) = W Λ Wᵀ              a small symmetric eigenproblem
 * σ = √Λ,  V = Q W                  so that A ≈ (A V) Vᵀ
 * ```
 *
 * Only the right side is computed: `A V` of any row, seen or new, is the projection retrieval wants. A is
 * walked row by row, so nothing of size [rows, rank] is held. Columns of V have the sign that makes their
 * entry of largest magnitude positive. Where A has a lower rank, the last σ are 0 and their columns zero.
 */
import { gaussian } from './gaussian.js';
import { gramMatrix, orthonormalize, rowTimesMatrix } from './orthonormalize.js';
import { addOuterProduct, rowTimesDense, type SparseMatrix } from './sparse-matrix.js';
import { symmetricEigen } from './symmetric-eigen.js';

export interface RandomizedSvdOptions {
  /** Number of singular values and vectors, ≥ 1. */
  rank: number;
  /** Extra columns of the random sketch (default 16). */
  oversampling?: number;
  /** Default 3; more where the spectrum falls slowly. */
  powerIterations?: number;
  seed: number;
  onProgress?: (done: number, total: number) => void;
}

export interface TruncatedSvd {
  /** Largest first. [rank] */
  singularValues: Float64Array;
  /** Right singular vectors, row-major. [cols, rank] */
  v: Float64Array;
}

export function randomizedSvd(a: SparseMatrix, options: RandomizedSvdOptions): TruncatedSvd {
  const { rank, oversampling = 16, powerIterations = 3, seed, onProgress } = options;
  if (!(Number.isInteger(rank) && rank >= 1)) {
    throw new RangeError(`rank must be a positive integer, got ${rank}`);
  }
  const width = rank + oversampling;
  const total = powerIterations + 2;
  const y = new Float64Array(width);

  const normal = gaussian(seed);
  let q = new Float64Array(a.cols * width);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < width; j++) {
      y[j] = normal();
    }
    addOuterProduct(a, i, y, width, q);
  }
  orthonormalize(q, a.cols, width, powerIterations === 0 ? 2 : 1);
  onProgress?.(1, total);

  for (let iteration = 1; iteration <= powerIterations; iteration++) {
    const next = new Float64Array(a.cols * width);
    for (let i = 0; i < a.rows; i++) {
      rowTimesDense(a, i, q, width, y);
      addOuterProduct(a, i, y, width, next);
    }
    q = next;
    orthonormalize(q, a.cols, width, iteration === powerIterations ? 2 : 1);
    onProgress?.(iteration + 1, total);
  }

  const { values, vectors } = symmetricEigen(projectedGram(a, q, width), width);
  const largest = Math.max(values[0]!, 0);
  const kept = values.subarray(0, rank).map((value) => (value > 1e-14 * largest ? value : 0));
  const singularValues = kept.map(Math.sqrt);
  const w = new Float64Array(width * rank);
  for (let k = 0; k < rank; k++) {
    for (let j = 0; j < width && kept[k]! > 0; j++) {
      w[j * rank + k] = vectors[k * width + j]!;
    }
  }
  const v = new Float64Array(a.cols * rank);
  for (let i = 0; i < a.cols; i++) {
    const row = v.subarray(i * rank, (i + 1) * rank);
    rowTimesMatrix(q.subarray(i * width, (i + 1) * width), w, width, rank, row);
  }
  makeExtremesPositive(v, a.cols, rank);
  onProgress?.(total, total);
  return { singularValues, v };
}

/** (A Q)ᵀ(A Q) [width, width], upper triangle, a few rows of A at a time. */
function projectedGram(a: SparseMatrix, q: Float64Array, width: number): Float64Array {
  const blockRows = 512;
  const gram = new Float64Array(width * width);
  const block = new Float64Array(blockRows * width);
  for (let start = 0; start < a.rows; start += blockRows) {
    const rows = Math.min(blockRows, a.rows - start);
    for (let i = 0; i < rows; i++) {
      rowTimesDense(a, start + i, q, width, block.subarray(i * width, (i + 1) * width));
    }
    const part = gramMatrix(block, rows, width);
    for (let e = 0; e < gram.length; e++) {
      gram[e]! += part[e]!;
    }
  }
  return gram;
}

/** Gives every column of V [rows, width] the sign that makes its entry of largest magnitude positive. */
function makeExtremesPositive(v: Float64Array, rows: number, width: number): void {
  const extreme = new Float64Array(width);
  for (let e = 0; e < rows * width; e++) {
    if (Math.abs(v[e]!) > Math.abs(extreme[e % width]!)) {
      extreme[e % width] = v[e]!;
    }
  }
  for (let e = 0; e < rows * width; e++) {
    if (extreme[e % width]! < 0) {
      v[e]! *= -1;
    }
  }
}
