/** Weights of a checkpoint, read into the memory they are trained in. */
import { HaetaeError } from '../../shared/errors.js';
import type { Checkpoint } from '../../shared/lm/checkpoint.js';
import { elementCount } from '../../shared/onnx/tensor-type.js';
import type { DecoderParameter } from './decoder-parameters.js';
import { partValues } from './parameter-values.js';

/** Numbers that are read at a time: 16 MB as float32. */
const rangeElements = 4 * 2 ** 20;

/**
 * Fills `values` (by parameter name) from float32, float16 or bfloat16 tensors. Tensors of the checkpoint that no
 * parameter names are passed over.
 * @throws HaetaeError MODEL_INVALID where a tensor is missing, has another shape or no float type, or holds a number
 * that is not finite: the loss would be none either, and its documents would be blamed
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
    const first = firstNonFinite(target);
    if (first !== -1) {
      const { path } = checkpoint.tensor(name);
      throw new HaetaeError(
        'MODEL_INVALID',
        `${path}: tensor "${name}" holds ${target[first]} (number ${first} of ${target.length}), and weights are ` +
          'finite. Training diverged before it was saved, or the file is damaged: take an earlier checkpoint, or copy it again.',
        { path, tensor: name, index: first },
      );
    }
  }
}

/** Index of the first NaN or infinity, or −1. */
function firstNonFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}
