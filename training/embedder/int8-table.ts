/**
 * A token table in 8 bits: each row has a scale of its own, so that rare, long rows cost short ones no precision.
 *
 *   scale_t = max |E_t| / 127,   q_t = round(E_t / scale_t)
 */
export interface Int8Table {
  /** [rows, dimension], row-major, −127 to 127. */
  values: Int8Array;
  /** [rows] */
  scales: Float32Array;
}

/** @param table [rows, dimension] */
export function quantizeRows(table: Float32Array, dimension: number): Int8Table {
  const rows = table.length / dimension;
  const values = new Int8Array(table.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const vector = table.subarray(row * dimension, (row + 1) * dimension);
    let largest = 0;
    for (const value of vector) largest = Math.max(largest, Math.abs(value));
    const scale = Math.fround(largest / 127);
    if (scale === 0) continue;
    scales[row] = scale;
    for (let d = 0; d < dimension; d++) values[row * dimension + d] = Math.round(vector[d]! / scale);
  }
  return { values, scales };
}

/** [rows, dimension] */
export function dequantizeRows({ values, scales }: Int8Table): Float32Array {
  const dimension = values.length / Math.max(1, scales.length);
  return Float32Array.from(values, (value, i) => value * scales[Math.floor(i / dimension)]!);
}
