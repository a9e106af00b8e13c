/**
 * Factors the Hessian H = Xᵀ X of a layer's inputs for error feedback, in place and in panels.
 *
 *   H + λI = M D Mᵀ      M unit upper triangular, D diagonal, λ = damping · mean(diag H)
 *
 * With that, the error of a quantised row ŵ splits into independent terms, one for each column in order:
 *
 *   (ŵ − w) H (ŵ − w)ᵀ = Σ_k D_k (ŵ_k − w_k − Σ_{j<k} (w_j − ŵ_j) M_jk)²
 *
 * so each column is rounded to the nearest level of w_k + Σ_{j<k} (w_j − ŵ_j) M_jk. That is GPTQ (Frantar et al.
 * 2022) in the form of QuIP's LDLQ (Chee et al. 2023, theorem 6): the same numbers, without the inverse of H.
 *
 * Computed from the last rows to the first as H = Sᵀ S, S lower triangular: M_jk = S_kj / S_kk, D_k = S_kk². Every
 * pivot is at least λ in exact arithmetic; one that rounding brings below λ / 2 is lifted to it, so that a singular
 * or ill-conditioned H needs no second try.
 */
import type { MatrixProducts } from './matrix-products.js';

export interface HessianFactor {
  /** `[n, n]`: row k holds M_jk for j < k, and zeros from k on. */
  feedback: Float32Array;
  /** D, `[n]`: what an error of each column costs. */
  importance: Float32Array;
}

const panel = 128;

/**
 * @param h `[n, n]`, its lower triangle; becomes `feedback`
 * @param damping share of the mean of the diagonal, > 0
 */
export async function factorHessian(
  h: Float32Array,
  n: number,
  products: MatrixProducts,
  damping = 0.01,
): Promise<HessianFactor> {
  const lambda = addDamping(h, n, damping);
  const importance = new Float32Array(n);
  for (let end = n; end > 0; ) {
    const start = Math.max(0, end - panel);
    const rows = h.subarray(start * n, end * n); // [end − start, n]
    if (end < n) {
      // What the rows below have explained already.
      const below = columnsOf(h, n, end, start, end);
      const explained = await products.transposedTimes(below, h.subarray(end * n), n - end);
      for (let i = 0; i < rows.length; i++) rows[i]! -= explained[i]!;
    }
    const corner = factorCorner(rows, n, start, end, lambda / 2);
    if (start > 0) {
      const left = await products.transposedTimes(invertLower(corner, end - start), rows, end - start);
      rows.set(left);
    }
    for (let i = start; i < end; i++) {
      const pivot = corner[(i - start) * (end - start + 1)]!;
      importance[i] = pivot * pivot;
      const row = h.subarray(i * n, (i + 1) * n);
      for (let j = start; j <= i; j++) row[j] = corner[(i - start) * (end - start) + j - start]!;
      row.fill(0, i + 1);
    }
    end = start;
  }
  for (let k = 0; k < n; k++) {
    const row = h.subarray(k * n, k * n + k + 1);
    const pivot = row[k]!;
    for (let j = 0; j < k; j++) row[j]! /= pivot;
    row[k] = 0;
  }
  return { feedback: h, importance };
}

/** Returns λ; 1 where all inputs were zero. */
function addDamping(h: Float32Array, n: number, damping: number): number {
  let trace = 0;
  for (let i = 0; i < n; i++) trace += h[i * n + i]!;
  const lambda = trace > 0 ? (damping * trace) / n : 1;
  for (let i = 0; i < n; i++) h[i * n + i]! += lambda;
  return lambda;
}

/** Rows from `firstRow` on, columns `from` to `to`, contiguous. */
function columnsOf(h: Float32Array, n: number, firstRow: number, from: number, to: number): Float32Array {
  const columns = new Float32Array((n - firstRow) * (to - from));
  for (let row = firstRow; row < n; row++) {
    columns.set(h.subarray(row * n + from, row * n + to), (row - firstRow) * (to - from));
  }
  return columns;
}

/** S of the diagonal block: `[b, b]`, lower triangular, C = Sᵀ S. In float64: so few columns do not take long. */
function factorCorner(
  rows: Float32Array,
  n: number,
  start: number,
  end: number,
  leastPivot: number,
): Float64Array {
  const b = end - start;
  const s = new Float64Array(b * b);
  for (let i = 0; i < b; i++) {
    for (let j = 0; j <= i; j++) s[i * b + j] = rows[i * n + start + j]!;
  }
  for (let i = b - 1; i >= 0; i--) {
    const pivot = Math.sqrt(Math.max(s[i * b + i]!, leastPivot));
    for (let j = 0; j <= i; j++) s[i * b + j]! /= pivot;
    s[i * b + i] = pivot;
    for (let m = 0; m < i; m++) {
      const factor = s[i * b + m]!;
      for (let j = 0; j <= m; j++) s[m * b + j]! -= factor * s[i * b + j]!;
    }
  }
  return s;
}

/** The inverse of a lower triangular `[b, b]`. */
export function invertLower(s: Float64Array, b: number): Float32Array {
  const inverse = new Float64Array(b * b);
  for (let i = 0; i < b; i++) {
    const pivot = s[i * b + i]!;
    for (let m = 0; m < i; m++) {
      const factor = s[i * b + m]! / pivot;
      for (let j = 0; j <= m; j++) inverse[i * b + j]! -= factor * inverse[m * b + j]!;
    }
    inverse[i * b + i] = 1 / pivot;
  }
  return Float32Array.from(inverse);
}
