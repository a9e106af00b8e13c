/** Fresh weights, in place. */
import { elementCount } from '../../shared/onnx/tensor-type.js';
import type { DecoderParameter } from './decoder-parameters.js';
import { parameterValues } from './parameter-values.js';
import { seededNumbers } from './seeded-numbers.js';

/**
 * Fills `values` (by parameter name) as each parameter's `init` says. Every Hugging Face tensor has a stream of its
 * own (`seeded-numbers.ts`), so a tensor begins the same whichever others there are, and however they are fused.
 */
export function initialiseParameters(
  parameters: readonly DecoderParameter[],
  values: ReadonlyMap<string, Float32Array>,
  seed: number,
): void {
  for (const parameter of parameters) {
    const { init, shape, parts } = parameter;
    const target = parameterValues(parameter, values);
    if (init.kind === 'ones' || init.kind === 'zeros') {
      target.fill(init.kind === 'ones' ? 1 : 0);
      continue;
    }
    const width = elementCount(shape.slice(1));
    let at = 0;
    for (const { name, rows } of parts) {
      const { uniform, normal } = seededNumbers(seed, name);
      for (const end = at + rows * width; at < end; at++) {
        target[at] = init.kind === 'normal' ? init.std * normal() : init.bound * (2 * uniform() - 1);
      }
    }
  }
}
