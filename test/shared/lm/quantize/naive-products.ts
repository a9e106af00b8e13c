/** The products of `matrix-products.ts` by the slow obvious way, without native code. */
import type { MatrixProducts } from '../../../../shared/lm/quantize/matrix-products.js';

export const naiveProducts: MatrixProducts = {
  async timesTransposed(a, b, k) {
    const [m, n] = [a.length / k, b.length / k];
    return fill(m, n, (i, j) => sumOver(k, (t) => a[i * k + t]! * b[j * k + t]!));
  },
  async transposedTimes(a, b, k) {
    const [m, n] = [a.length / k, b.length / k];
    return fill(m, n, (i, j) => sumOver(k, (t) => a[t * m + i]! * b[t * n + j]!));
  },
  async gram(x, n, from, to) {
    const rows = x.length / n;
    return fill(to - from, to, (i, j) => sumOver(rows, (t) => x[t * n + from + i]! * x[t * n + j]!));
  },
  close: async () => {},
};

function fill(rows: number, columns: number, at: (row: number, column: number) => number): Float32Array {
  return Float32Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns));
}

export function sumOver(count: number, term: (index: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += term(i);
  return sum;
}
