/**
 * The gate of SwiGLU (Shazeer 2020): from `[gate | up]` `[T, 2F]`, silu(gate) ⊙ up `[T, F]`, silu(a) = a · σ(a).
 *
 *   dup = dy ⊙ silu(gate)      dgate = dy ⊙ up ⊙ (σ + silu(gate) · (1 − σ)),  σ = σ(gate)
 */
import { add, concat, mul, sigmoid, split, sub } from '../autodiff/expressions.js';
import type { Tape } from '../autodiff/tape.js';
import type { Variable } from '../autodiff/variable.js';

export function gatedSilu(tape: Tape, gateUp: Variable): Variable {
  if (tape.kernels === 'haetae') {
    return tape.block(
      'GatedSilu',
      [gateUp],
      () => tape.node('GatedSilu', [gateUp])[0]!,
      (dy) => tape.node('GatedSiluGrad', [dy, gateUp]),
    );
  }
  const size = gateUp.shape[1]! / 2;
  let [gate, up, activated]: (Variable | undefined)[] = [];
  return tape.block(
    'GatedSilu',
    [gateUp],
    () => {
      [gate, up] = split(tape, gateUp, 1, [size, size]) as [Variable, Variable];
      // With alpha 1 it is silu.
      [activated] = tape.node('QuickGelu', [gate], { alpha: { float: 1 } }) as [Variable];
      return mul(tape, activated, up);
    },
    (dy) => {
      const sigma = sigmoid(tape, gate!);
      const slope = add(tape, sigma, mul(tape, activated!, sub(tape, 1, sigma)));
      const dGate = mul(tape, mul(tape, dy, up!), slope);
      return [concat(tape, [dGate, mul(tape, dy, activated!)], 1)];
    },
  );
}
