/** Reads ranges of rows of checkpoint tensors, so that a tensor never has to be in memory whole. */
import { type FileHandle, open } from 'node:fs/promises';
import { HaetaeError } from '../../errors.js';
import { fromFloat16 } from '../../onnx/half-float.js';
import type { TensorEntry } from '../../onnx/safetensors.js';

/** A tensor and the file it lies in. */
export interface LocatedTensor extends TensorEntry {
  path: string;
}

export interface TensorReader {
  readonly tensors: ReadonlyMap<string, LocatedTensor>;
  /**
   * Rows `first` to `first + count` of a tensor as float32 `[count, rest]`; a vector is one column.
   * The array is valid until the next read.
   */
  readRows(name: string, first: number, count: number): Promise<Float32Array>;
  /** The same rows as they lie in the file. Valid until the next read. */
  readBytes(name: string, first: number, count: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Elements of one row: what follows the first axis. */
export function rowLength({ shape }: TensorEntry): number {
  return shape.slice(1).reduce((product, size) => product * size, 1);
}

export function openTensorReader(tensors: ReadonlyMap<string, LocatedTensor>): TensorReader {
  const handles = new Map<string, FileHandle>();
  let raw = new ArrayBuffer(0);
  let wide = new Float32Array(0);

  async function read(name: string, first: number, count: number): Promise<Uint8Array> {
    const tensor = tensors.get(name);
    if (!tensor) throw missing(name);
    const { path, offset, length, shape } = tensor;
    const rowBytes = length / Math.max(1, shape[0] ?? 1);
    const bytes = rowBytes * count;
    if (raw.byteLength < bytes) raw = new ArrayBuffer(bytes);
    let handle = handles.get(path);
    if (!handle) {
      handle = await open(path, 'r');
      handles.set(path, handle);
    }
    const target = new Uint8Array(raw, 0, bytes);
    let done = 0;
    while (done < bytes) {
      const position = offset + first * rowBytes + done;
      const { bytesRead } = await handle.read(target, done, Math.min(bytes - done, 2 ** 30), position);
      if (bytesRead === 0) {
        const message = `${path} ends at byte ${position}, inside tensor "${name}". Copy or download it again.`;
        throw new HaetaeError('MODEL_INVALID', message, { path });
      }
      done += bytesRead;
    }
    return target;
  }

  return {
    tensors,
    readBytes: read,
    async readRows(name, first, count) {
      const bytes = await read(name, first, count);
      const { type } = tensors.get(name)!;
      if (type === 'float32') return new Float32Array(raw, 0, bytes.byteLength / 4);
      if (type !== 'float16' && type !== 'bfloat16') {
        const message = `Tensor "${name}" is ${type}; weights can be quantised from float32, float16 and bfloat16.`;
        throw new HaetaeError('MODEL_UNSUPPORTED', message, { tensor: name, type });
      }
      const elements = bytes.byteLength / 2;
      if (wide.length < elements) wide = new Float32Array(elements);
      const halves = new Uint16Array(raw, 0, elements);
      const out = wide.subarray(0, elements);
      if (type === 'bfloat16') widenBfloat16(halves, out);
      else widenFloat16(halves, out);
      return out;
    },
    async close() {
      await Promise.all([...handles.values()].map((handle) => handle.close()));
      handles.clear();
    },
  };
}

function widenBfloat16(halves: Uint16Array, out: Float32Array): void {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
}

/** All binary16 numbers, by bit pattern: 256 KB, made on first use. */
let float16Table: Float32Array | undefined;

function widenFloat16(halves: Uint16Array, out: Float32Array): void {
  float16Table ??= fromFloat16(Uint16Array.from({ length: 65_536 }, (_, bits) => bits));
  for (let i = 0; i < halves.length; i++) out[i] = float16Table[halves[i]!]!;
}

export function missing(name: string): HaetaeError {
  return new HaetaeError(
    'MODEL_INVALID',
    `The checkpoint has no tensor "${name}". Copy or download the model folder again.`,
    { tensor: name },
  );
}
