/**
 * Pooling: token vectors of a padded batch to one vector per text, and scaling to unit length.
 * The modes are those of sentence-transformers' `1_Pooling/config.json`.
 */
export const poolingModes = ['cls', 'mean', 'max', 'lasttoken'] as const;
export type PoolingMode = (typeof poolingModes)[number];

export interface TokenVectors {
  /** [batch, length, dimension], row-major. */
  data: Float32Array;
  length: number;
  dimension: number;
}

/**
 * Pools row b of a batch over its first `valid` tokens (texts are padded on the right) into `out`
 * [dimension]. A row without tokens gives zeros.
 */
export function pool(
  tokens: TokenVectors,
  b: number,
  valid: number,
  mode: PoolingMode,
  out: Float32Array,
): void {
  const { data, length, dimension } = tokens;
  const start = b * length * dimension;
  if (valid === 0) {
    out.fill(0);
    return;
  }
  if (mode === 'cls' || mode === 'lasttoken') {
    const at = start + (mode === 'cls' ? 0 : valid - 1) * dimension;
    out.set(data.subarray(at, at + dimension));
    return;
  }
  for (let d = 0; d < dimension; d++) {
    let sum = 0;
    let largest = Number.NEGATIVE_INFINITY;
    for (let t = 0; t < valid; t++) {
      const value = data[start + t * dimension + d]!;
      sum += value;
      largest = Math.max(largest, value);
    }
    out[d] = mode === 'mean' ? sum / valid : largest;
  }
}

/** Scales a vector to unit length in place; zeros stay zeros. */
export function normalize(vector: Float32Array): void {
  let square = 0;
  for (const value of vector) {
    square += value * value;
  }
  if (square > 0) {
    const scale = 1 / Math.sqrt(square);
    for (let d = 0; d < vector.length; d++) {
      vector[d]! *= scale;
    }
  }
}
