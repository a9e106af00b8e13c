/**
 * Rotary position embedding (Su et al. 2021), half-split as Hugging Face has it. A rotation is undone by the
 * opposite one, so the gradient is the same operator with −sin.
 */
import type { Tape } from '../autodiff/tape.js';
import type { Variable } from '../autodiff/variable.js';

/** `[length, headDim / 2]` each; the position of a token is its index in its row. */
export interface RotationTables {
  cos: Variable;
  sin: Variable;
  minusSin: Variable;
}

/** Puts the tables (`ropeTables` of shared/lm/rope.ts) into a graph. */
export function rotationTables(
  tape: Tape,
  { cos, sin, positions }: { cos: Float32Array; sin: Float32Array; positions: number },
): RotationTables {
  const shape = [positions, cos.length / positions];
  return {
    cos: tape.constant(shape, cos),
    sin: tape.constant(shape, sin),
    minusSin: tape.constant(
      shape,
      sin.map((value) => -value),
    ),
  };
}

/** Rotates every head of x `[rows, heads, length, headDim]` by the position of its token. */
export function rotate(tape: Tape, x: Variable, { cos, sin, minusSin }: RotationTables): Variable {
  const heads = x.shape[1]!;
  const rotated = (values: Variable, sines: Variable): Variable =>
    tape.node('RotaryEmbedding', [values, tape.integers([0]), cos, sines], {
      num_heads: heads,
      // With 0 the kernel takes the size of a head from the tables.
      rotary_embedding_dim: 0,
      interleaved: 0,
    })[0]!;
  return tape.block(
    'Rotate',
    [x],
    () => rotated(x, sin),
    (dy) => [rotated(dy, minusSin)],
  );
}
