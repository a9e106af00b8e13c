/**
 * A sparse matrix in compressed rows (CSR), and the two products the randomised SVD needs.
 *
 * Dense matrices are row-major Float64Arrays. The kernels walk a row's entries four at a time, so that the
 * accumulating row is loaded and stored once for four multiply-adds.
 */
export interface SparseMatrix {
  rows: number;
  cols: number;
  /** Entries of row i are at rowStart[i] … rowStart[i + 1] − 1. [rows + 1] */
  rowStart: Uint32Array;
  /** [nnz] */
  col: Uint32Array;
  /** [nnz] */
  value: Float32Array;
}

/** out [width] = row i of A [rows, cols] times X [cols, width]. */
export function rowTimesDense(
  a: SparseMatrix,
  i: number,
  x: Float64Array,
  width: number,
  out: Float64Array,
): void {
  out.fill(0);
  const { col, value } = a;
  const end = a.rowStart[i + 1]!;
  let e = a.rowStart[i]!;
  for (; e + 3 < end; e += 4) {
    const x0 = col[e]! * width;
    const x1 = col[e + 1]! * width;
    const x2 = col[e + 2]! * width;
    const x3 = col[e + 3]! * width;
    const v0 = value[e]!;
    const v1 = value[e + 1]!;
    const v2 = value[e + 2]!;
    const v3 = value[e + 3]!;
    for (let j = 0; j < width; j++) {
      out[j]! += v0 * x[x0 + j]! + v1 * x[x1 + j]! + v2 * x[x2 + j]! + v3 * x[x3 + j]!;
    }
  }
  for (; e < end; e++) {
    const x0 = col[e]! * width;
    const v0 = value[e]!;
    for (let j = 0; j < width; j++) {
      out[j]! += v0 * x[x0 + j]!;
    }
  }
}

/** out [cols, width] += (row i of A)ᵀ times y [width]. */
export function addOuterProduct(
  a: SparseMatrix,
  i: number,
  y: Float64Array,
  width: number,
  out: Float64Array,
): void {
  const end = a.rowStart[i + 1]!;
  for (let e = a.rowStart[i]!; e < end; e++) {
    const start = a.col[e]! * width;
    const v = a.value[e]!;
    for (let j = 0; j < width; j++) {
      out[start + j]! += v * y[j]!;
    }
  }
}
