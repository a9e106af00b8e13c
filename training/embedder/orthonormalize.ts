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
  for (let pass = 0; pass < passes; pass++) {
    const gram = new Float64Array(width * width);
    for (let i = 0; i < rows; i++) {
      addToGram(gram, x, i * width, width);
    }
    solveRows(x, rows, width, cholesky(gram, width));
  }
}

/** Adds yᵀy to the upper triangle of gram [width, width], y being the row of X at `start`. */
export function addToGram(gram: Float64Array, x: Float64Array, start: number, width: number): void {
  for (let a = 0; a < width; a++) {
    const xa = x[start + a]!;
    if (xa !== 0) {
      const row = a * width;
      for (let b = a; b < width; b++) {
        gram[row + b]! += xa * x[start + b]!;
      }
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

/** Every row x of X becomes the solution q of q R = x; columns with pivot 0 become 0. */
function solveRows(x: Float64Array, rows: number, width: number, r: Float64Array): void {
  for (let i = 0; i < rows; i++) {
    const start = i * width;
    for (let k = 0; k < width; k++) {
      const pivot = r[k * width + k]!;
      const q = pivot === 0 ? 0 : x[start + k]! / pivot;
      x[start + k] = q;
      if (q !== 0) {
        const row = k * width;
        for (let j = k + 1; j < width; j++) {
          x[start + j]! -= q * r[row + j]!;
        }
      }
    }
  }
}
