/**
 * Writes a safetensors file whose tensors are planned first and filled later, in any order and piece by piece, so
 * that none has to be in memory whole.
 *
 * Integer blocks (whole multiples of 16 bytes) come first, then float32, then halves: so every tensor is aligned to
 * its element size without holes, which the format forbids. The caller writes to a temporary folder; there is no
 * rename here.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { bytesOf, elementCount, type TensorType, tensorTypes } from '../../onnx/tensor-type.js';

export interface PlannedTensor {
  name: string;
  type: TensorType;
  shape: readonly number[];
}

export interface SafetensorsWriter {
  /** Bytes of the finished file. */
  readonly bytes: number;
  /** Puts `data` at byte `offset` of the tensor. */
  write(name: string, offset: number, data: ArrayBufferView): Promise<void>;
  /** @throws Error where bytes of a tensor were not written. */
  finish(): Promise<void>;
  /** Closes without any check: after a failure. */
  abandon(): Promise<void>;
}

const order: readonly TensorType[] = ['uint8', 'float32'];

export async function createSafetensors(
  path: string,
  tensors: readonly PlannedTensor[],
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Promise<SafetensorsWriter> {
  const rank = (type: TensorType) => (order.includes(type) ? order.indexOf(type) : order.length);
  const places = new Map<string, { begin: number; length: number; written: number }>();
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const { name, type, shape } of [...tensors].sort((a, b) => rank(a.type) - rank(b.type))) {
    if (places.has(name)) throw new Error(`two tensors of a safetensors file are named ${name}`);
    const length = elementCount(shape) * tensorTypes[type].bytes;
    header[name] = { dtype: tensorTypes[type].safetensors, shape, data_offsets: [end, end + length] };
    places.set(name, { begin: end, length, written: 0 });
    end += length;
  }
  const json = JSON.stringify(header);
  const padding = (64 - ((8 + Buffer.byteLength(json)) % 64)) % 64; // data begins on a cache line
  const head = Buffer.from(`${' '.repeat(8)}${json}${' '.repeat(padding)}`);
  head.writeBigUInt64LE(BigInt(head.byteLength - 8));
  const handle = await open(path, 'wx');
  await writeAt(handle, head, 0);
  return {
    bytes: head.byteLength + end,
    async write(name, offset, data) {
      const place = places.get(name);
      if (!place || offset + data.byteLength > place.length)
        throw new Error(`${data.byteLength} bytes at ${offset} lie outside tensor ${name}`);
      place.written += data.byteLength;
      await writeAt(handle, bytesOf(data), head.byteLength + place.begin + offset);
    },
    async finish() {
      for (const [name, { length, written }] of places) {
        if (written !== length) throw new Error(`tensor ${name}: ${written} of ${length} bytes were written`);
      }
      await handle.sync();
      await handle.close();
    },
    abandon: () => handle.close().catch(() => {}),
  };
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const length = Math.min(bytes.byteLength - done, 2 ** 30);
    done += (await handle.write(bytes, done, length, position + done)).bytesWritten;
  }
}
