/**
 * The index on disk: `bm25.json` (header) and `bm25.bin` (the typed arrays, little-endian, each at a multiple of
 * 8 bytes). The file is read in one go and the arrays are views into it; nothing is copied per element.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/value';
import { HaetaeError, messageOf } from '../../errors.js';
import { type FrozenBm25, validateFrozen } from './frozen-bm25.js';

export const bm25FileNames = { header: 'bm25.json', data: 'bm25.bin' } as const;

const Section = Type.Object({
  type: Type.Union([Type.Literal('u16'), Type.Literal('u32'), Type.Literal('f32')]),
  offset: Type.Integer({ minimum: 0 }),
  length: Type.Integer({ minimum: 0 }),
});
const Header = Type.Object({
  format: Type.Literal('haetae-bm25'),
  version: Type.Literal(1),
  tokenizerVersion: Type.String(),
  params: Type.Object({ k1: Type.Number(), b: Type.Number(), k: Type.Number() }),
  docCount: Type.Integer({ minimum: 0 }),
  byteLength: Type.Integer({ minimum: 0 }),
  sections: Type.Object({
    units: Section,
    bounds: Section,
    indptr: Section,
    rows: Section,
    scores: Section,
    docLengths: Section,
  }),
});
type Header = Static<typeof Header>;
type SectionName = keyof Header['sections'];

const ARRAYS = { u16: Uint16Array, u32: Uint32Array, f32: Float32Array } as const;
const TYPES: Record<SectionName, readonly string[]> = {
  units: ['u16'],
  bounds: ['u32'],
  indptr: ['u32'],
  rows: ['u16', 'u32'],
  scores: ['f32'],
  docLengths: ['f32'],
};
const NAMES = Object.keys(TYPES) as SectionName[];

function requireLittleEndian(): void {
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) {
    throw new HaetaeError('INDEX_INVALID', 'BM25 indexes are little-endian, this machine is not.');
  }
}

function align8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

/** The header and the bytes of an index. */
export function encodeBm25(frozen: FrozenBm25): { header: string; data: Uint8Array } {
  requireLittleEndian();
  const sections: Record<string, Static<typeof Section>> = {};
  let byteLength = 0;
  for (const name of NAMES) {
    const array = frozen[name];
    const type = array instanceof Float32Array ? 'f32' : array instanceof Uint16Array ? 'u16' : 'u32';
    sections[name] = { type, offset: byteLength, length: array.length };
    byteLength = align8(byteLength + array.byteLength);
  }
  const data = new Uint8Array(byteLength);
  for (const name of NAMES) {
    const array = frozen[name];
    data.set(
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
      (sections[name] as Static<typeof Section>).offset,
    );
  }
  const { params, tokenizerVersion, docCount } = frozen;
  const header = {
    format: 'haetae-bm25',
    version: 1,
    tokenizerVersion,
    params,
    docCount,
    byteLength,
    sections,
  };
  return { header: `${JSON.stringify(header, null, 2)}\n`, data };
}

/** Views into `data`, fully validated; throws INDEX_INVALID for anything truncated or inconsistent. */
export function decodeBm25(headerText: string, data: Uint8Array): FrozenBm25 {
  requireLittleEndian();
  let header: unknown;
  try {
    header = JSON.parse(headerText);
  } catch (error) {
    throw new HaetaeError('INDEX_INVALID', `The header of the BM25 index is not JSON: ${messageOf(error)}`);
  }
  if (!Check(Header, header)) {
    throw new HaetaeError(
      'INDEX_INVALID',
      'The header of the BM25 index does not fit version 1. Build the index with this version of haetae.',
    );
  }
  if (data.byteLength !== header.byteLength) {
    throw new HaetaeError(
      'INDEX_INVALID',
      `The BM25 index should have ${header.byteLength} bytes and has ${data.byteLength}. Build it again.`,
      { expected: header.byteLength, actual: data.byteLength },
    );
  }
  const bytes = data.byteOffset % 8 === 0 ? data : new Uint8Array(data);
  const view = (name: SectionName) => {
    const { type, offset, length } = (header as Header).sections[name];
    const ArrayType = ARRAYS[type];
    if (
      !TYPES[name].includes(type) ||
      offset % 8 !== 0 ||
      offset + length * ArrayType.BYTES_PER_ELEMENT > bytes.byteLength
    ) {
      throw new HaetaeError(
        'INDEX_INVALID',
        `Section ${name} of the BM25 index does not fit. Build it again.`,
      );
    }
    return new ArrayType(bytes.buffer as ArrayBuffer, bytes.byteOffset + offset, length);
  };
  const frozen: FrozenBm25 = {
    params: header.params,
    tokenizerVersion: header.tokenizerVersion,
    docCount: header.docCount,
    units: view('units') as Uint16Array,
    bounds: view('bounds') as Uint32Array,
    indptr: view('indptr') as Uint32Array,
    rows: view('rows') as Uint16Array | Uint32Array,
    scores: view('scores') as Float32Array,
    docLengths: view('docLengths') as Float32Array,
  };
  validateFrozen(frozen);
  return frozen;
}

/** Writes `bm25.json` and `bm25.bin` into an existing folder; returns the file names. */
export async function writeBm25(dir: string, frozen: FrozenBm25): Promise<string[]> {
  const { header, data } = encodeBm25(frozen);
  await writeFile(join(dir, bm25FileNames.data), data);
  await writeFile(join(dir, bm25FileNames.header), header);
  return [bm25FileNames.header, bm25FileNames.data];
}

/** Reads what `writeBm25` wrote; throws FILE_NOT_FOUND or INDEX_INVALID. */
export async function readBm25(dir: string): Promise<FrozenBm25> {
  const read = async (name: string): Promise<Buffer> => {
    try {
      return await readFile(join(dir, name));
    } catch (error) {
      throw new HaetaeError('FILE_NOT_FOUND', `${join(dir, name)} cannot be read: ${messageOf(error)}`, {
        name,
      });
    }
  };
  const [header, data] = await Promise.all([read(bm25FileNames.header), read(bm25FileNames.data)]);
  return decodeBm25(header.toString('utf8'), data);
}
