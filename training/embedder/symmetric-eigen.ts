/**
 * Eigenvalues and eigenvectors of a symmetric matrix by cyclic Jacobi rotations: each rotation zeroes one
 * off-diagonal pair, and a handful of sweeps converges quadratically (Golub & Van Loan, §8.5). Slower than
 * tridiagonal QR, but short, and accurate to working precision; at 272 × 272 it takes about a second.
 */
export interface SymmetricEigen {
  /** Largest first. [size] */
  values: Float64Array;
  /** Row k is the unit eigenvector of values[k]. [size, size] */
  vectors: Float64Array;
}

const maxSweeps = 40;

/** `upper` [size, size] row-major; only its upper triangle is read. */
export function symmetricEigen(upper: Float64Array, size: number): SymmetricEigen {
  const a = new Float64Array(size * size);
  const v = new Float64Array(size * size);
  let total = 0;
  for (let i = 0; i < size; i++) {
    v[i * size + i] = 1;
    for (let j = i; j < size; j++) {
      const value = upper[i * size + j]!;
      a[i * size + j] = value;
      a[j * size + i] = value;
      total += value * value;
    }
  }
  const negligible = 1e-15 * Math.sqrt(total / Math.max(1, size));
  for (let sweep = 0; sweep < maxSweeps; sweep++) {
    let rotations = 0;
    for (let p = 0; p < size - 1; p++) {
      for (let q = p + 1; q < size; q++) {
        if (Math.abs(a[p * size + q]!) > negligible) {
          rotate(a, v, size, p, q);
          rotations++;
        }
      }
    }
    if (rotations === 0) {
      break;
    }
  }
  const order = Array.from({ length: size }, (_, i) => i).sort((i, j) => a[j * size + j]! - a[i * size + i]!);
  const vectors = new Float64Array(size * size);
  order.forEach((from, to) => {
    vectors.set(v.subarray(from * size, (from + 1) * size), to * size);
  });
  return { values: Float64Array.from(order, (i) => a[i * size + i]!), vectors };
}

/** One rotation in the plane (p, q) that zeroes a[p, q]; v collects rotations, eigenvectors in its rows. */
function rotate(a: Float64Array, v: Float64Array, size: number, p: number, q: number): void {
  const apq = a[p * size + q]!;
  const theta = (a[q * size + q]! - a[p * size + p]!) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  const rowP = p * size;
  const rowQ = q * size;
  const app = a[rowP + p]! - t * apq;
  const aqq = a[rowQ + q]! + t * apq;
  for (let k = 0; k < size; k++) {
    const akp = a[rowP + k]!;
    const akq = a[rowQ + k]!;
    a[rowP + k] = c * akp - s * akq;
    a[rowQ + k] = s * akp + c * akq;
    const vp = v[rowP + k]!;
    const vq = v[rowQ + k]!;
    v[rowP + k] = c * vp - s * vq;
    v[rowQ + k] = s * vp + c * vq;
  }
  for (let k = 0; k < size; k++) {
    a[k * size + p] = a[rowP + k]!;
    a[k * size + q] = a[rowQ + k]!;
  }
  a[rowP + p] = app;
  a[rowQ + q] = aqq;
  a[rowP + q] = 0;
  a[rowQ + p] = 0;
}
