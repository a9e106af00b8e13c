/** Weights of a checkpoint, read into the memory they are trained in. */
import type { Checkpoint } from '../../shared/lm/checkpoint.js';
import { elementCount } from '../../shared/onnx/tensor-type.js';
import type { DecoderParameter } from './decoder-parameters.js';
import { partValues } from './parameter-values.js';

/** Numbers that are read at a time: 16 MB as float32. */
const rangeElements = 4 * 2 ** 20;

/**
 * Fills `values` (by parameter name) from float32, float16 or bfloat16 tensors. Tensors of the checkpoint that no
 * parameter names are passed over.
 * @throws HaetaeError MODEL_INVALID where a tensor is missing, has another shape or no float type
 */
export async function loadParameters(
  checkpoint: Checkpoint,
  parameters: readonly DecoderParameter[],
  values: ReadonlyMap<string, Float32Array>,
): Promise<void> {
  const parts = parameters.flatMap((parameter) => partValues(parameter, values));
  // All shapes before the first byte: a wrong checkpoint leaves the values as they were.
  for (const { name, shape } of parts) checkpoint.tensor(name, shape);
  for (const { name, shape, values: target } of parts) {
    const [rows, ...rest] = shape as [number, ...number[]];
    const width = elementCount(rest);
    const step = Math.max(1, Math.floor(rangeElements / width));
    for (let row = 0; row < rows; row += step) {
      target.set(await checkpoint.readRows(name, row, Math.min(step, rows - row)), row * width);
    }
  }
}
