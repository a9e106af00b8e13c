/**
 * The safetensors format: named tensors in one file, readable without running anything.
 *
 * ```
 * 8 bytes   length N of the header, unsigned, little endian
 * N bytes   JSON: { name: { dtype, shape, data_offsets: [begin, end] }, "__metadata__"?: { key: string } }
 * the rest  the tensors; offsets count from here; row-major, little endian
 * ```
 *
 * A file may come from anywhere, so the header is believed only after checks: its length lies inside the file
 * (and under 100 MB, the limit of the reference reader), every dtype is known, every shape is a list of
 * non-negative integers whose size is exactly its span, and the spans tile the file without holes or overlap.
 * https://huggingface.co/docs/safetensors
 */
import { type FileHandle, open, rename } from 'node:fs/promises';
import { HaetaeError, messageOf } from '../errors.js';
import { fromBfloat16, fromFloat16 } from './half-float.js';
import { bytesOf, elementCount, type TensorType, tensorTypes } from './tensor-type.js';

const maxHeaderBytes = 100_000_000;

export interface TensorEntry {
  type: TensorType;
  shape: readonly number[];
  /** Position of the first byte in the file. */
  offset: number;
  /** Bytes. */
  length: number;
}

export interface SafetensorsHeader {
  tensors: ReadonlyMap<string, TensorEntry>;
  metadata: Readonly<Record<string, string>>;
}

export interface NamedTensor {
  name: string;
  type: TensorType;
  shape: readonly number[];
  data: ArrayBufferView;
}

const typeByDtype = new Map<string, TensorType>(
  (Object.keys(tensorTypes) as TensorType[]).map((type) => [tensorTypes[type].safetensors, type]),
);

/**
 * Reads and checks the header.
 * @throws HaetaeError MODEL_INVALID where the file is not well-formed safetensors.
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  return withFile(path, async (handle) => {
    const { size } = await handle.stat();
    if (size < 8) {
      throw invalid(path, `it has ${size} bytes, a header takes at least 8`);
    }
    const headerBytes = Number((await readSpan(path, handle, 0, 8)).readBigUInt64LE());
    if (headerBytes > Math.min(size - 8, maxHeaderBytes)) {
      throw invalid(path, `its header claims ${headerBytes} bytes of a file of ${size}`);
    }
    const json = parseHeader(path, await readSpan(path, handle, 8, headerBytes));
    return checkHeader(path, json, 8 + headerBytes, size);
  });
}

/**
 * Reads one tensor as float32, from F32, F16 or BF16.
 * @throws HaetaeError MODEL_INVALID where it is absent or of another type.
 */
export async function readFloatTensor(
  path: string,
  name: string,
): Promise<{ shape: number[]; data: Float32Array }> {
  const entry = (await readSafetensorsHeader(path)).tensors.get(name);
  if (!entry) {
    throw invalid(path, `it holds no tensor "${name}"`);
  }
  const bytes = await withFile(path, (handle) => readSpan(path, handle, entry.offset, entry.length));
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const shape = [...entry.shape];
  switch (entry.type) {
    case 'float32':
      return { shape, data: new Float32Array(buffer) };
    case 'float16':
      return { shape, data: fromFloat16(new Uint16Array(buffer)) };
    case 'bfloat16':
      return { shape, data: fromBfloat16(new Uint16Array(buffer)) };
    default:
      throw invalid(path, `tensor "${name}" is ${entry.type}, expected float32, float16 or bfloat16`);
  }
}

/** Writes tensors in the given order; the file appears under its name only when it is complete. */
export async function writeSafetensors(
  path: string,
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Promise<void> {
  const entries: [string, unknown][] = [['__metadata__', metadata]];
  let offset = 0;
  for (const { name, type, shape, data } of tensors) {
    if (data.byteLength !== elementCount(shape) * tensorTypes[type].bytes) {
      throw new Error(`tensor ${name}: ${type} [${shape.join(', ')}] does not take ${data.byteLength} bytes`);
    }
    const end = offset + data.byteLength;
    entries.push([name, { dtype: tensorTypes[type].safetensors, shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  if (new Set(entries.map(([name]) => name)).size !== entries.length) {
    throw new Error('two tensors of a safetensors file have the same name');
  }
  const text = JSON.stringify(Object.fromEntries(entries));
  const json = Buffer.from(text + ' '.repeat((8 - (Buffer.byteLength(text) % 8)) % 8)); // keeps tensors aligned
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(json.byteLength));
  const partial = `${path}.partial`;
  const handle = await open(partial, 'w');
  try {
    for (const part of [head, json, ...tensors.map(({ data }) => bytesOf(data))]) {
      await handle.writeFile(part);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partial, path);
}

function parseHeader(path: string, bytes: Uint8Array): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid(path, `its header is not JSON (${messageOf(error)})`);
  }
  if (!isRecord(json)) {
    throw invalid(path, 'its header is not a JSON object');
  }
  return json;
}

function checkHeader(
  path: string,
  json: Record<string, unknown>,
  dataStart: number,
  fileSize: number,
): SafetensorsHeader {
  const tensors = new Map<string, TensorEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') {
      if (!isRecord(value) || Object.values(value).some((item) => typeof item !== 'string')) {
        throw invalid(path, 'its __metadata__ is not a map of strings');
      }
      metadata = value as Record<string, string>;
    } else {
      tensors.set(name, checkEntry(path, name, value, dataStart, fileSize));
    }
  }
  let end = dataStart;
  for (const [name, entry] of [...tensors].sort(
    ([, a], [, b]) => a.offset - b.offset || a.length - b.length,
  )) {
    if (entry.offset !== end) {
      throw invalid(path, `tensor "${name}" leaves a hole or overlaps its neighbour`);
    }
    end += entry.length;
  }
  if (end !== fileSize) {
    throw invalid(path, `its tensors end at byte ${end}, the file at ${fileSize}`);
  }
  return { tensors, metadata };
}

function checkEntry(
  path: string,
  name: string,
  value: unknown,
  dataStart: number,
  fileSize: number,
): TensorEntry {
  if (!isRecord(value)) {
    throw invalid(path, `the entry of tensor "${name}" is not an object`);
  }
  const { dtype, shape, data_offsets: span } = value;
  const type = typeof dtype === 'string' ? typeByDtype.get(dtype) : undefined;
  if (!type) {
    throw invalid(path, `tensor "${name}" has the unknown dtype ${JSON.stringify(dtype)}`);
  }
  if (!isIntegers(shape) || !isIntegers(span) || span.length !== 2) {
    throw invalid(path, `tensor "${name}" has a shape or offsets that are not non-negative integers`);
  }
  const [begin, end] = span as [number, number];
  if (begin > end || dataStart + end > fileSize) {
    throw invalid(path, `tensor "${name}" lies outside the file (bytes ${begin} to ${end})`);
  }
  if (elementCount(shape) * tensorTypes[type].bytes !== end - begin) {
    throw invalid(path, `tensor "${name}" of shape [${shape.join(', ')}] does not take ${end - begin} bytes`);
  }
  return { type, shape, offset: dataStart + begin, length: end - begin };
}

async function withFile<T>(path: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw invalid(path, `it cannot be opened (${messageOf(error)})`);
  });
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

async function readSpan(path: string, handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, Math.min(length - done, 2 ** 30), offset + done);
    if (bytesRead === 0) {
      throw invalid(path, `it ends at byte ${offset + done}`);
    }
    done += bytesRead;
  }
  return buffer;
}

function isIntegers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(path: string, reason: string): HaetaeError {
  return new HaetaeError(
    'MODEL_INVALID',
    `${path} is not a usable safetensors file: ${reason}. Copy or download it again.`,
    { path },
  );
}
