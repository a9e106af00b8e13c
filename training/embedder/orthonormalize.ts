/**
 * Orthonormal basis of the columns of a tall matrix, by Cholesky QR: with the Gram matrix G = XᵀX = RᵀR,
 * Q = X R⁻¹. One pass loses orthogonality as the square of X's condition number; a second pass on the result
 * restores it to working precision (CholeskyQR2, Yamamoto et al. 2015). Both passes stream over rows, which
 * in JavaScript beats Householder reflections several times over.
 *
 * A column that depends on those before it (its pivot falls below 1e-12 of its own square) becomes zero
 * instead of noise: a corpus with fewer texts than dimensions is ordinary input.
 */
const dependent = 1e-12;

/** Replaces X [rows, width], row-major, by an orthonormal basis of its columns; `passes` 1 or 2. */
export function orthonormalize(x: Float64Array, rows: number, width: number, passes: 1 | 2 = 2): void {
  const row = new Float64Array(width);
  for (let pass = 0; pass < passes; pass++) {
    const inverse = invertUpper(cholesky(gramMatrix(x, rows, width), width), width);
    for (let i = 0; i < rows; i++) {
      const target = x.subarray(i * width, (i + 1) * width);
      row.set(target);
      rowTimesMatrix(row, inverse, width, width, target);
    }
  }
}

/** XᵀX of X [rows, width]; only the upper triangle of the result [width, width] is filled. */
export function gramMatrix(x: Float64Array, rows: number, width: number): Float64Array {
  const gram = new Float64Array(width * width);
  // Four rows at a time: an entry of the result is loaded and stored once for four multiply-adds.
  for (let i = 0; i < rows; i += 4) {
    const block = Math.min(4, rows - i);
    const s0 = i * width;
    const s1 = block > 1 ? s0 + width : -1;
    const s2 = block > 2 ? s0 + 2 * width : -1;
    const s3 = block > 3 ? s0 + 3 * width : -1;
    for (let a = 0; a < width; a++) {
      const at = a * width;
      if (s3 >= 0) {
        const x0 = x[s0 + a]!;
        const x1 = x[s1 + a]!;
        const x2 = x[s2 + a]!;
        const x3 = x[s3 + a]!;
        for (let b = a; b < width; b++) {
          gram[at + b]! += x0 * x[s0 + b]! + x1 * x[s1 + b]! + x2 * x[s2 + b]! + x3 * x[s3 + b]!;
        }
      } else {
        for (const start of [s0, s1, s2].filter((it) => it >= 0)) {
          const xa = x[start + a]!;
          for (let b = a; b < width; b++) {
            gram[at + b]! += xa * x[start + b]!;
          }
        }
      }
    }
  }
  return gram;
}

/** out [cols] = y [rows] times M [rows, cols]. */
export function rowTimesMatrix(
  y: Float64Array,
  m: Float64Array,
  rows: number,
  cols: number,
  out: Float64Array,
): void {
  out.fill(0);
  let k = 0;
  for (; k + 3 < rows; k += 4) {
    const y0 = y[k]!;
    const y1 = y[k + 1]!;
    const y2 = y[k + 2]!;
    const y3 = y[k + 3]!;
    const m0 = k * cols;
    const m1 = m0 + cols;
    const m2 = m1 + cols;
    const m3 = m2 + cols;
    for (let j = 0; j < cols; j++) {
      out[j]! += y0 * m[m0 + j]! + y1 * m[m1 + j]! + y2 * m[m2 + j]! + y3 * m[m3 + j]!;
    }
  }
  for (; k < rows; k++) {
    const yk = y[k]!;
    const mk = k * cols;
    for (let j = 0; j < cols; j++) {
      out[j]! += yk * m[mk + j]!;
    }
  }
}

/** In place, gram → upper R with RᵀR = gram; a dependent column gets the pivot 0. */
function cholesky(gram: Float64Array, width: number): Float64Array {
  const original = Float64Array.from({ length: width }, (_, j) => gram[j * width + j]!);
  for (let k = 0; k < width; k++) {
    const row = k * width;
    const square = gram[row + k]!;
    if (!(square > dependent * original[k]!)) {
      gram.fill(0, row + k, row + width);
      continue;
    }
    const pivot = Math.sqrt(square);
    gram[row + k] = pivot;
    for (let j = k + 1; j < width; j++) {
      gram[row + j]! /= pivot;
    }
    for (let i = k + 1; i < width; i++) {
      const factor = gram[row + i]!;
      if (factor !== 0) {
        for (let j = i; j < width; j++) {
          gram[i * width + j]! -= factor * gram[row + j]!;
        }
      }
    }
  }
  return gram;
}

/** R⁻¹ of an upper triangular R [width, width]; a pivot of 0 makes its row and column zero. */
function invertUpper(r: Float64Array, width: number): Float64Array {
  const inverse = new Float64Array(width * width);
  for (let i = width - 1; i >= 0; i--) {
    const pivot = r[i * width + i]!;
    if (pivot === 0) {
      continue;
    }
    const at = i * width;
    inverse[at + i] = 1 / pivot;
    for (let k = i + 1; k < width; k++) {
      const factor = r[at + k]! / pivot;
      if (factor !== 0) {
        for (let j = k; j < width; j++) {
          inverse[at + j]! -= factor * inverse[k * width + j]!;
        }
      }
    }
  }
  return inverse;
}
