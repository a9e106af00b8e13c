/**
 * RMSNorm (Zhang & Sennrich 2019) of the rows of x `[T, D]`:
 *
 *   y = x̂ ⊙ w      x̂ = x / rms(x)      rms(x)² = mean(x²) + ε
 *   dx = (dy ⊙ w − x̂ · mean(dy ⊙ w ⊙ x̂)) / rms      dw = Σ_rows dy ⊙ x̂
 */
import { batchMatMul, mul, reduceSum, reshape, sub } from '../autodiff/expressions.js';
import type { Tape } from '../autodiff/tape.js';
import type { Variable } from '../autodiff/variable.js';

export function rmsNorm(tape: Tape, x: Variable, weight: Variable, epsilon: number): Variable {
  let inverseRms: Variable; // [T, 1]
  const forward = () => {
    const isNative = tape.kernels === 'haetae';
    const [y, inverse] = isNative
      ? tape.node('RmsNorm', [x, weight], { epsilon: { float: epsilon } })
      : tape.node('SimplifiedLayerNormalization', [x, weight], {
          axis: -1,
          epsilon: { float: epsilon },
          stash_type: 1,
        });
    inverseRms = inverse!;
    return y!;
  };
  const backward = (dy: Variable) =>
    tape.kernels === 'haetae'
      ? tape.node('RmsNormGrad', [dy, x, weight, inverseRms])
      : stockGradients(tape, dy, x, weight, inverseRms);
  return tape.block('RmsNorm', [x, weight], forward, backward);
}

function stockGradients(
  tape: Tape,
  dy: Variable,
  x: Variable,
  weight: Variable,
  inverseRms: Variable,
): (Variable | null)[] {
  const [width] = weight.shape as [number];
  const normed = mul(tape, x, inverseRms);
  const product = mul(tape, dy, normed);
  const dWeight = weight.requiresGrad ? reduceSum(tape, product, [0]) : null;
  if (!x.requiresGrad) return [null, dWeight];
  // The row sums as a product with a column; in float32 whatever the precision of matrices.
  const column = mul(tape, reshape(tape, weight, [width, 1]), 1 / width);
  const means = batchMatMul(tape, product, column);
  const direct = mul(tape, dy, weight);
  const dx = mul(tape, sub(tape, direct, mul(tape, normed, means)), inverseRms);
  return [dx, dWeight];
}
