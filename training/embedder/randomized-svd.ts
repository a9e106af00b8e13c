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
import { addToGram, orthonormalize } from './orthonormalize.js';
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

  const gram = new Float64Array(width * width);
  for (let i = 0; i < a.rows; i++) {
    rowTimesDense(a, i, q, width, y);
    addToGram(gram, y, 0, width);
  }
  const { values, vectors } = symmetricEigen(gram, width);
  const largest = Math.max(values[0]!, 0);
  const singularValues = new Float64Array(rank);
  const v = new Float64Array(a.cols * rank);
  for (let k = 0; k < rank; k++) {
    if (values[k]! > 1e-14 * largest) {
      singularValues[k] = Math.sqrt(values[k]!);
      project(q, a.cols, width, vectors.subarray(k * width, (k + 1) * width), v, rank, k);
    }
  }
  onProgress?.(total, total);
  return { singularValues, v };
}

/** Column k of V [cols, rank] = Q [cols, width] · w, with the sign of its largest entry positive. */
function project(
  q: Float64Array,
  cols: number,
  width: number,
  w: Float64Array,
  v: Float64Array,
  rank: number,
  k: number,
): void {
  let extreme = 0;
  for (let i = 0; i < cols; i++) {
    let sum = 0;
    for (let j = 0; j < width; j++) {
      sum += q[i * width + j]! * w[j]!;
    }
    v[i * rank + k] = sum;
    if (Math.abs(sum) > Math.abs(extreme)) {
      extreme = sum;
    }
  }
  if (extreme < 0) {
    for (let i = 0; i < cols; i++) {
      v[i * rank + k]! *= -1;
    }
  }
}
