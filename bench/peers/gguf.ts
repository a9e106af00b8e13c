/**
 * Writes GGUF version 3, the file format of llama.cpp, as far as a decoder in Q4_0 needs it.
 *
 *     'GGUF'  u32 version  u64 tensors  u64 entries
 *     entries: string key, u32 value type, value           (strings: u64 length, UTF-8)
 *     tensors: string name, u32 dimensions, u64 sizes (innermost first), u32 type, u64 offset
 *     padding to 32 bytes, then the tensors, each at a multiple of 32 from here
 *
 * All little endian. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * Q4_0: 32 consecutive values share one binary16 scale d; byte i holds values i (low nibble) and i + 16 (high):
 * w = (q − 8) · d, where d = (the value of largest magnitude) / −8, as ggml's `quantize_row_q4_0_ref` chooses it.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { toFloat16 } from '../../shared/onnx/half-float.js';

export type GgufValue =
  | { type: 'string'; value: string }
  | { type: 'uint32'; value: number }
  | { type: 'float32'; value: number }
  | { type: 'bool'; value: boolean }
  | { type: 'strings'; value: readonly string[] }
  | { type: 'int32s'; value: readonly number[] };

export type GgmlType = 'f32' | 'q4_0';

export interface GgufTensor {
  name: string;
  type: GgmlType;
  /** Outermost first, as in safetensors; the file has them the other way round. */
  shape: readonly number[];
}

const alignment = 32;
const ggmlTypes: Readonly<Record<GgmlType, number>> = { f32: 0, q4_0: 2 };
const valueTypes = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;
const q40Block = 32;
const q40Bytes = 18;

/** Bytes of a tensor's values. */
export function ggufTensorBytes({ name, type, shape }: GgufTensor): number {
  const count = shape.reduce((product, size) => product * size, 1);
  if (type === 'f32') return 4 * count;
  if ((shape.at(-1) as number) % q40Block !== 0)
    throw new Error(`${name}: rows of ${shape.at(-1)} values cannot be cut into blocks of ${q40Block}`);
  return (count / q40Block) * q40Bytes;
}

/** Everything before the tensors, padded; and where each tensor begins behind it. */
export function ggufHeader(
  entries: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTensor[],
): { header: Buffer; offsets: number[]; dataBytes: number } {
  const offsets: number[] = [];
  let dataBytes = 0;
  for (const tensor of tensors) {
    offsets.push(dataBytes);
    dataBytes += padded(ggufTensorBytes(tensor));
  }
  const parts = [
    Buffer.from('GGUF'),
    uint32(3),
    uint64(tensors.length),
    uint64(Object.keys(entries).length),
    ...Object.entries(entries).flatMap(([key, value]) => [string(key), ...valueParts(value)]),
    ...tensors.flatMap(({ name, type, shape }, i) => [
      string(name),
      uint32(shape.length),
      ...[...shape].reverse().map(uint64),
      uint32(ggmlTypes[type]),
      uint64(offsets[i] as number),
    ]),
  ];
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  return { header: Buffer.concat(parts, padded(bytes)), offsets, dataBytes };
}

/**
 * Writes a file tensor by tensor.
 *
 * @param read the values of a tensor, row-major, in pieces of whole blocks: one piece is in memory at a time
 */
export async function writeGguf(
  path: string,
  entries: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTensor[],
  read: (tensor: GgufTensor) => AsyncIterable<Float32Array>,
): Promise<void> {
  const { header, offsets, dataBytes } = ggufHeader(entries, tensors);
  const handle = await open(path, 'w');
  try {
    await handle.truncate(header.length + dataBytes);
    await writeAt(handle, header, 0);
    for (const [i, tensor] of tensors.entries()) {
      const start = header.length + (offsets[i] as number);
      let at = start;
      for await (const values of read(tensor)) {
        const bytes =
          tensor.type === 'f32' ? Buffer.from(Float32Array.from(values).buffer) : quantizeQ40(values);
        at += await writeAt(handle, bytes, at);
      }
      if (at - start !== ggufTensorBytes(tensor))
        throw new Error(`${tensor.name}: ${at - start} bytes do not fill [${tensor.shape.join(', ')}]`);
    }
  } finally {
    await handle.close();
  }
}

/** Blocks of Q4_0 from values whose number is a multiple of 32. */
export function quantizeQ40(values: Float32Array): Buffer {
  const blocks = values.length / q40Block;
  const scales = new Float32Array(blocks);
  const bytes = Buffer.alloc(blocks * q40Bytes);
  for (let block = 0, from = 0; block < blocks; block++, from += q40Block) {
    let low = 0;
    let high = 0;
    for (let i = from; i < from + q40Block; i++) {
      const value = values[i] as number;
      if (value < low) low = value;
      else if (value > high) high = value;
    }
    const scale = (high > -low ? high : low) / -8;
    scales[block] = scale;
    const inverse = scale === 0 ? 0 : 1 / scale;
    const code = (i: number) => Math.min(15, Math.trunc((values[i] as number) * inverse + 8.5));
    const to = block * q40Bytes + 2;
    for (let i = 0; i < 16; i++) bytes[to + i] = code(from + i) | (code(from + i + 16) << 4);
  }
  for (const [block, half] of toFloat16(scales).entries()) bytes.writeUInt16LE(half, block * q40Bytes);
  return bytes;
}

function valueParts(entry: GgufValue): Buffer[] {
  switch (entry.type) {
    case 'string':
      return [uint32(valueTypes.string), string(entry.value)];
    case 'uint32':
      return [uint32(valueTypes.uint32), uint32(entry.value)];
    case 'float32': {
      const bytes = Buffer.alloc(4);
      bytes.writeFloatLE(entry.value);
      return [uint32(valueTypes.float32), bytes];
    }
    case 'bool':
      return [uint32(valueTypes.bool), Buffer.from([entry.value ? 1 : 0])];
    case 'strings':
      return [
        uint32(valueTypes.array),
        uint32(valueTypes.string),
        uint64(entry.value.length),
        ...entry.value.map(string),
      ];
    case 'int32s': {
      const bytes = Buffer.alloc(4 * entry.value.length);
      for (const [i, value] of entry.value.entries()) bytes.writeInt32LE(value, 4 * i);
      return [uint32(valueTypes.array), uint32(valueTypes.int32), uint64(entry.value.length), bytes];
    }
  }
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint64(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** All of them: one call may write less. */
async function writeAt(handle: FileHandle, bytes: Buffer, position: number): Promise<number> {
  let done = 0;
  while (done < bytes.length)
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  return done;
}

const padded = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;
