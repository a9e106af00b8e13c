/** The head of a cache file, and the walk over its records; see `log-prob-record.ts` for the bytes. */
import type { FileHandle } from 'node:fs/promises';
import Type from 'typebox';
import { Check } from 'typebox/value';
import { HaetaeError } from '../../shared/errors.js';
import {
  type CacheHeader,
  decodeHead,
  isIntact,
  maxKeyBytes,
  type RecordHead,
  recordBodyBytes,
  recordHeadBytes,
  shortHash,
} from './log-prob-record.js';

const magic = 'HAETAELP';
const version = 1;
const countsAt = 16;
const jsonAt = 48;

const Header = Type.Object(
  {
    vocabSize: Type.Integer({ minimum: 1, maximum: 2 ** 31 }),
    model: Type.String(),
    folder: Type.String(),
    k: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
    type: Type.Union([Type.Literal('float16'), Type.Literal('float32')]),
  },
  { additionalProperties: false },
);

/** What is known to be on disk. */
export interface Committed {
  records: number;
  /** Bytes of the records. */
  bytes: number;
  /** Positions of all records. */
  positions: number;
}

export interface CacheFile {
  header: CacheHeader;
  committed: Committed;
  /** Where the first record begins. */
  start: number;
}

export interface RecordEntry {
  key: string;
  head: RecordHead;
  /** Where it begins, and its bytes, head included. */
  offset: number;
  bytes: number;
}

export function encodeFileHead(header: CacheHeader): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(jsonAt);
  head.write(magic, 0, 'latin1');
  head.writeUInt32LE(version, 8);
  head.writeUInt32LE(json.length, 12);
  shortHash([json], 8).copy(head, 40);
  return Buffer.concat([head, json]);
}

/** Says in the file how much of it counts; what it counts must be on disk before. */
export async function writeCommitted(handle: FileHandle, committed: Committed): Promise<void> {
  const bytes = Buffer.alloc(24);
  [committed.records, committed.bytes, committed.positions].forEach((count, i) => {
    bytes.writeBigUInt64LE(BigInt(count), 8 * i);
  });
  await handle.write(bytes, 0, bytes.length, countsAt);
}

/** @throws HaetaeError TRAINING_CACHE_INVALID */
export async function readFileHead(handle: FileHandle, path: string): Promise<CacheFile> {
  const head = await readAt(handle, 0, jsonAt);
  if (head.length < jsonAt || head.toString('latin1', 0, 8) !== magic) {
    throw invalidCache(path, 'it does not begin as one');
  }
  const found = head.readUInt32LE(8);
  if (found !== version) throw invalidCache(path, `it has version ${found}, not ${version}`);
  const length = head.readUInt32LE(12);
  const json = length <= 65_536 ? await readAt(handle, jsonAt, length) : Buffer.alloc(0);
  if (json.length !== length || !shortHash([json], 8).equals(head.subarray(40, 48))) {
    throw invalidCache(path, 'its header is damaged');
  }
  const header: unknown = JSON.parse(json.toString());
  if (!Check(Header, header)) throw invalidCache(path, 'its header lacks a field');
  const count = (i: number) => Number(head.readBigUInt64LE(countsAt + 8 * i));
  const committed = { records: count(0), bytes: count(1), positions: count(2) };
  return { header, committed, start: jsonAt + length };
}

/**
 * The records of a file, in order, without their contents. Those of the last flush have to be there; one that a kill
 * cut off, or that came after it damaged, ends the walk.
 * @throws HaetaeError TRAINING_CACHE_INVALID
 */
export async function* walkRecords(
  handle: FileHandle,
  path: string,
  { header, committed, start }: CacheFile,
): AsyncGenerator<RecordEntry> {
  const { size } = await handle.stat();
  const committedEnd = start + committed.bytes;
  if (size < committedEnd) {
    throw invalidCache(path, `it has ${size} bytes of at least ${committedEnd}`);
  }
  for (let offset = start; offset < size; ) {
    const entry = await readEntry(handle, header, offset, size);
    const isCounted = offset < committedEnd;
    const isWhole = entry && (isCounted || isIntact(await readAt(handle, offset, entry.bytes)));
    if (!isWhole) {
      if (isCounted) throw invalidCache(path, `the record at byte ${offset} is damaged`);
      return;
    }
    yield entry;
    offset += entry.bytes;
  }
}

async function readEntry(
  handle: FileHandle,
  header: CacheHeader,
  offset: number,
  size: number,
): Promise<RecordEntry | null> {
  const bytes = await readAt(handle, offset, Math.min(recordHeadBytes + maxKeyBytes, size - offset));
  const head = decodeHead(bytes);
  if (!head) return null;
  const total = recordHeadBytes + recordBodyBytes(header, head);
  if (offset + total > size) return null;
  const key = bytes.toString('utf8', recordHeadBytes, recordHeadBytes + head.keyBytes);
  return { key, head, offset, bytes: total };
}

/** At most `length` bytes; fewer at the end of the file. */
export async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, 2 ** 30), offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

export function invalidCache(path: string, reason: string): HaetaeError {
  return new HaetaeError(
    'TRAINING_CACHE_INVALID',
    `${path} cannot be used as a cache of teacher log-probabilities: ${reason}. Delete it; it is made again from the teacher.`,
    { path },
  );
}
