/** The numbers of a parameter, and those of its Hugging Face tensors inside them. */
import { elementCount } from '../../shared/onnx/tensor-type.js';
import type { DecoderParameter } from './decoder-parameters.js';

/** A Hugging Face tensor: a slice of its parameter, without copying. */
export interface PartValues {
  name: string;
  shape: readonly number[];
  values: Float32Array;
}

/** @throws RangeError where they are missing or of another length */
export function parameterValues(
  { name, shape }: Pick<DecoderParameter, 'name' | 'shape'>,
  values: ReadonlyMap<string, Float32Array>,
): Float32Array {
  const found = values.get(name);
  const length = elementCount(shape);
  if (found?.length !== length) {
    const what = found ? `${found.length} numbers` : 'none';
    throw new RangeError(
      `parameter ${name} of shape [${shape.join(', ')}] takes ${length} numbers, got ${what}`,
    );
  }
  return found;
}

export function partValues(
  parameter: DecoderParameter,
  values: ReadonlyMap<string, Float32Array>,
): PartValues[] {
  const all = parameterValues(parameter, values);
  const rest = parameter.shape.slice(1);
  const width = elementCount(rest);
  let row = 0;
  return parameter.parts.map(({ name, rows }) => {
    const part = all.subarray(row * width, (row + rows) * width);
    row += rows;
    return { name, shape: [rows, ...rest], values: part };
  });
}
