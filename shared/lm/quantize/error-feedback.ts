/**
 * Rounds rows of weights to blocks of integers column by column, each column making up for the errors of those
 * before it (GPTQ; the formula is in `factor-hessian.ts`). Columns keep their order: a reordering by activation
 * would need blocks that are not consecutive.
 *
 * A block's scale is chosen when its turn comes, from what its columns would become if it were not rounded:
 *
 *   p_i = w_i + Σ_{j before the block} (w_j − ŵ_j) M_ji − Σ_{j in the block, j < i} (p_j − w_j) M_ji
 *
 * With them, a column's target is p_i + Σ_{j in the block, j < i} (p_j − ŵ_j) M_ji.
 */
import { type HessianFactor, invertLower } from './factor-hessian.js';
import type { MatrixProducts } from './matrix-products.js';
import { absmaxScale, type BlockFormat, type QuantizedRows, searchScale } from './quantize-blocks.js';

/**
 * @param weights `[rows, k]`; become what the codes stand for
 * @param into room for the codes of these rows
 */
export async function quantizeWithFeedback(
  weights: Float32Array,
  k: number,
  { feedback, importance }: HessianFactor,
  { bits, block, scales: rule }: BlockFormat,
  products: MatrixProducts,
  into: QuantizedRows,
): Promise<void> {
  const rows = weights.length / k;
  const half = 2 ** (bits - 1);
  const blocksPerRow = k / block;
  const errors = new Float32Array(rows * k); // w − ŵ of the columns done, zero elsewhere
  const predicted = new Float32Array(block); // p
  const target = new Float64Array(block);
  const near = new Float64Array(block * block); // [j, i]: M_ji inside the block
  for (let first = 0; first < k; first += block) {
    // p − w, for all rows at once.
    const shift =
      first === 0
        ? new Float32Array(rows * block)
        : await products.timesTransposed(errors, await predictors(feedback, k, first, block, products), k);
    for (let j = 0; j < block; j++) {
      for (let i = 0; i < block; i++) near[j * block + i] = feedback[(first + i) * k + first + j]!;
    }
    for (let row = 0; row < rows; row++) {
      const at = row * k + first;
      for (let i = 0; i < block; i++) {
        predicted[i] = weights[at + i]! + shift[row * block + i]!;
        target[i] = predicted[i]!;
      }
      const scale =
        rule === 'search'
          ? searchScale(predicted, 0, block, bits, importance, first)
          : absmaxScale(predicted, 0, block, bits);
      const blockIndex = row * blocksPerRow + first / block;
      into.scales[blockIndex] = scale;
      const inverse = scale === 0 ? 0 : 1 / scale;
      for (let j = 0; j < block; j++) {
        let code = (target[j]! * inverse + half + 0.5) | 0;
        code = code < 0 ? 0 : code > 2 * half - 1 ? 2 * half - 1 : code;
        const value = (code - half) * scale;
        errors[at + j] = weights[at + j]! - value;
        const missed = predicted[j]! - value;
        for (let i = j + 1; i < block; i++) target[i]! += missed * near[j * block + i]!;
        const element = blockIndex * block + j;
        if (bits === 8) into.qweight[element] = code;
        else if (j % 2 === 0) into.qweight[element >> 1] = code;
        else into.qweight[element >> 1]! |= code << 4;
      }
    }
  }
  for (let i = 0; i < weights.length; i++) weights[i]! -= errors[i]!;
}

/**
 * `[block, k]`: rows that, times the errors before the block, give p − w: (I + F)⁻¹ of the block's rows of feedback,
 * F being their part inside the block.
 */
async function predictors(
  feedback: Float32Array,
  k: number,
  first: number,
  block: number,
  products: MatrixProducts,
): Promise<Float32Array> {
  const rows = feedback.subarray(first * k, (first + block) * k);
  const inside = new Float64Array(block * block);
  for (let i = 0; i < block; i++) {
    for (let j = 0; j < i; j++) inside[i * block + j] = rows[i * k + first + j]!;
    inside[i * block + i] = 1;
  }
  const inverse = invertLower(inside, block);
  const transposed = inverse.map((_, i) => inverse[(i % block) * block + Math.floor(i / block)]!);
  return products.transposedTimes(transposed, rows, block);
}
