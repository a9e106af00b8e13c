/**
 * The bytes of a cache of teacher log-probabilities, little endian:
 *
 * ```
 * file      "HAETAELP"                             8 bytes
 *           version, length N of the JSON          2 × uint32
 *           records, their bytes, their positions  3 × uint64: what was on disk at the last flush
 *           checksum of the JSON                   8 bytes
 *           JSON of CacheHeader                    N bytes
 *           records
 * record    mark, length of the key, from, positions                4 × uint32
 *           hash of the sequence's tokens                           16 bytes
 *           checksum of all else in the record                      8 bytes
 *           key                                                     UTF-8
 *           full:   log-probabilities [positions, vocabSize]        float16 or float32
 *           top-k:  ids [positions, k] uint32, log-probabilities [positions, k], tail [positions] float32
 * ```
 *
 * A hash or checksum is the beginning of a SHA-256. Log-probabilities below −65,504 are stored as that in float16.
 */
import { createHash } from 'node:crypto';
import { fromFloat16, toFloat16 } from '../../shared/onnx/half-float.js';
import { bytesOf } from '../../shared/onnx/tensor-type.js';
import { normaliseLogits, truncateLogProbs } from './truncate-log-probs.js';

export interface CacheHeader {
  /** Entries of the vocabulary, of teacher and student. */
  vocabSize: number;
  /** Fingerprint of the teacher. */
  model: string;
  /** Its folder when the cache was made, for messages. */
  folder: string;
  /** Tokens kept of each distribution; null: all of them. */
  k: number | null;
  /** How log-probabilities are stored. */
  type: 'float16' | 'float32';
}

/** The teacher's distributions after tokens `from` … `from + positions − 1` of a sequence. */
export interface CachedLogProbs {
  from: number;
  positions: number;
  /** Ids the log-probabilities are of, [positions, k]; null: all, [positions, vocabSize]. */
  ids: Uint32Array | null;
  /** [positions, k] or [positions, vocabSize] */
  logProbs: Float32Array;
  /** Log-probability of each token that is not kept; null: there is none. [positions] */
  tail: Float32Array | null;
}

export interface RecordHead {
  keyBytes: number;
  from: number;
  positions: number;
  sequence: Buffer;
  checksum: Buffer;
}

export const recordHeadBytes = 40;
const recordMark = 0x5250_4c48; // "HLPR"
const smallestFloat16 = -65_504;
/** A key is a few ids; longer is not a key but damage. */
export const maxKeyBytes = 1024;

/** Hash of a sequence of tokens, 16 bytes. */
export function sequenceHash(tokens: ArrayLike<number | bigint>): Buffer {
  return shortHash([bytesOf(Int32Array.from(tokens as ArrayLike<number>, Number))], 16);
}

/** Bytes of a record behind its head. */
export function recordBodyBytes(header: CacheHeader, { keyBytes, positions }: RecordHead): number {
  const kept = header.k ?? header.vocabSize;
  const perToken = (header.type === 'float16' ? 2 : 4) + (header.k === null ? 0 : 4);
  return keyBytes + positions * (kept * perToken + (header.k === null ? 0 : 4));
}

/** @param logits [positions, vocabSize] of the tokens from `from` on */
export function encodeRecord(
  header: CacheHeader,
  key: string,
  tokens: ArrayLike<number | bigint>,
  from: number,
  logits: Float32Array,
): Buffer {
  const { vocabSize, k, type } = header;
  const positions = logits.length / vocabSize;
  const parts: Uint8Array[] = [Buffer.from(key)];
  const store = (values: Float32Array) =>
    bytesOf(type === 'float32' ? values : toFloat16(values.map((value) => Math.max(value, smallestFloat16))));
  if (k === null) {
    parts.push(store(normaliseLogits(logits, vocabSize)));
  } else {
    const { ids, logProbs, tail } = truncateLogProbs(logits, vocabSize, k);
    parts.push(bytesOf(ids), store(logProbs), bytesOf(tail));
  }
  const head = Buffer.alloc(recordHeadBytes);
  head.writeUInt32LE(recordMark, 0);
  head.writeUInt32LE(parts[0]!.byteLength, 4);
  head.writeUInt32LE(from, 8);
  head.writeUInt32LE(positions, 12);
  sequenceHash(tokens).copy(head, 16);
  shortHash([head.subarray(0, 32), ...parts], 8).copy(head, 32);
  return Buffer.concat([head, ...parts]);
}

/** The head of a record, or null where the bytes are none. */
export function decodeHead(bytes: Buffer): RecordHead | null {
  if (bytes.length < recordHeadBytes || bytes.readUInt32LE(0) !== recordMark) return null;
  const keyBytes = bytes.readUInt32LE(4);
  if (keyBytes === 0 || keyBytes > maxKeyBytes) return null;
  return {
    keyBytes,
    from: bytes.readUInt32LE(8),
    positions: bytes.readUInt32LE(12),
    sequence: bytes.subarray(16, 32),
    checksum: bytes.subarray(32, 40),
  };
}

/** Whether a whole record, head and body, is as it was written. */
export function isIntact(record: Buffer): boolean {
  const expected = shortHash([record.subarray(0, 32), record.subarray(recordHeadBytes)], 8);
  return expected.equals(record.subarray(32, recordHeadBytes));
}

/** The content of an intact record. */
export function decodeRecord(header: CacheHeader, record: Buffer): CachedLogProbs {
  const head = decodeHead(record)!;
  const { from, positions } = head;
  const kept = positions * (header.k ?? header.vocabSize);
  let at = recordHeadBytes + head.keyBytes;
  const take = (bytes: number) => {
    // A copy of their own: typed arrays want aligned bytes, and the record may go.
    const part = Uint8Array.prototype.slice.call(record, at, at + bytes);
    at += bytes;
    return part.buffer;
  };
  const ids = header.k === null ? null : new Uint32Array(take(4 * kept));
  const logProbs =
    header.type === 'float32'
      ? new Float32Array(take(4 * kept))
      : fromFloat16(new Uint16Array(take(2 * kept)));
  const tail =
    header.k === null || header.k === header.vocabSize ? null : new Float32Array(take(4 * positions));
  return { from, positions, ids, logProbs, tail };
}

export function shortHash(parts: readonly Uint8Array[], bytes: number): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest().subarray(0, bytes);
}
