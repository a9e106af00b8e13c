/**
 * Rounds rows of weights to blocks of integers column by column, each column making up for the errors of those
 * before it (GPTQ; the formula is in `factor-hessian.ts`). Columns keep their order: a reordering by activation
 * would need blocks that are not consecutive.
 *
 * A block's scale is chosen when its turn comes, from the weights as the errors before have changed them.
 */
import type { HessianFactor } from './factor-hessian.js';
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
  const aim = new Float32Array(block);
  const near = new Float64Array(block * block); // the feedback of column i of the block to column j > i: [i, j]
  const sum = new Float64Array(block);
  for (let first = 0; first < k; first += block) {
    // What the errors of earlier blocks ask of this one, for all rows at once.
    const owed =
      first === 0
        ? new Float32Array(rows * block)
        : await products.timesTransposed(errors, feedback.subarray(first * k, (first + block) * k), k);
    for (let i = 0; i < block; i++) {
      for (let j = 0; j < block; j++) near[i * block + j] = feedback[(first + j) * k + first + i]!;
    }
    for (let row = 0; row < rows; row++) {
      const at = row * k + first;
      for (let i = 0; i < block; i++) {
        aim[i] = weights[at + i]! + owed[row * block + i]!;
        sum[i] = aim[i]!;
      }
      const scale =
        rule === 'search'
          ? searchScale(aim, 0, block, bits, importance, first)
          : absmaxScale(aim, 0, block, bits);
      const blockIndex = row * blocksPerRow + first / block;
      into.scales[blockIndex] = scale;
      const inverse = scale === 0 ? 0 : 1 / scale;
      for (let i = 0; i < block; i++) {
        let code = (sum[i]! * inverse + half + 0.5) | 0;
        code = code < 0 ? 0 : code > 2 * half - 1 ? 2 * half - 1 : code;
        const error = weights[at + i]! - (code - half) * scale;
        errors[at + i] = error;
        for (let j = i + 1; j < block; j++) sum[j]! += error * near[i * block + j]!;
        const element = blockIndex * block + i;
        if (bits === 8) into.qweight[element] = code;
        else if (i % 2 === 0) into.qweight[element >> 1] = code;
        else into.qweight[element >> 1]! |= code << 4;
      }
    }
  }
  for (let i = 0; i < weights.length; i++) weights[i]! -= errors[i]!;
}
