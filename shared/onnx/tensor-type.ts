/**
 * Element types of tensors, by the names ONNX Runtime uses for them, with the codes of ONNX
 * (`TensorProto.DataType`), the names of safetensors, and the bytes of one element.
 */
export const tensorTypes = {
  float32: { onnx: 1, safetensors: 'F32', bytes: 4 },
  uint8: { onnx: 2, safetensors: 'U8', bytes: 1 },
  int8: { onnx: 3, safetensors: 'I8', bytes: 1 },
  int32: { onnx: 6, safetensors: 'I32', bytes: 4 },
  int64: { onnx: 7, safetensors: 'I64', bytes: 8 },
  bool: { onnx: 9, safetensors: 'BOOL', bytes: 1 },
  float16: { onnx: 10, safetensors: 'F16', bytes: 2 },
  float64: { onnx: 11, safetensors: 'F64', bytes: 8 },
  bfloat16: { onnx: 16, safetensors: 'BF16', bytes: 2 },
} as const satisfies Record<string, { onnx: number; safetensors: string; bytes: number }>;

export type TensorType = keyof typeof tensorTypes;

/** Number of elements of a shape; the empty shape is a scalar and has one. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The bytes of a typed array, without copying. */
export function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
