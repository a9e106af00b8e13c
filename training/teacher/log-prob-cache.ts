/**
 * A teacher's log-probabilities on disk, so that a run of several epochs, or several runs, ask it once. Records are
 * found by key (a promptId and the side of the pair, say) and know the hash of the tokens they are of, so that a
 * changed prompt is never trained on an old answer's figures.
 *
 * A cache is written by one process and grows by appending. A kill loses what came after the last whole record: opened
 * again, the file is cut there and goes on. Readers hold the index of records in memory, not their contents.
 */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import {
  type CacheFile,
  type Committed,
  encodeFileHead,
  invalidCache,
  type RecordEntry,
  readAt,
  readFileHead,
  walkRecords,
  writeCommitted,
} from './log-prob-file.js';
import {
  type CachedLogProbs,
  type CacheHeader,
  decodeRecord,
  encodeRecord,
  isIntact,
  maxKeyBytes,
  sequenceHash,
} from './log-prob-record.js';

export class LogProbCacheWriter {
  readonly path: string;
  readonly header: CacheHeader;
  readonly #handle: FileHandle;
  readonly #start: number;
  readonly #keys: Set<string>;
  readonly #written: Committed;

  private constructor(
    path: string,
    handle: FileHandle,
    { header, start }: CacheFile,
    keys: Set<string>,
    written: Committed,
  ) {
    this.path = path;
    this.header = header;
    this.#handle = handle;
    this.#start = start;
    this.#keys = keys;
    this.#written = written;
  }

  /**
   * Begins a cache, or goes on with the one that is there.
   * @throws HaetaeError TRAINING_CACHE_INVALID where that is damaged, or of another teacher, vocabulary or form;
   * CONFIG_INVALID where it cannot be written
   */
  static async open(path: string, header: CacheHeader): Promise<LogProbCacheWriter> {
    const handle = await openToWrite(path).catch((error: NodeJS.ErrnoException) => {
      throw new HaetaeError(
        'CONFIG_INVALID',
        `The teacher's cache ${path} cannot be written (${messageOf(error)}). Name another file as teacher.cache.`,
        { path },
      );
    });
    try {
      const { size } = await handle.stat();
      const head = encodeFileHead(header);
      // A kill may have left less than a head.
      if (size < head.length && head.subarray(0, size).equals(await readAt(handle, 0, size))) {
        await handle.write(head, 0, head.length, 0);
        await handle.sync();
      }
      const file = await readFileHead(handle, path);
      checkSame(path, file.header, header);
      const keys = new Set<string>();
      const written = { records: 0, bytes: 0, positions: 0 };
      for await (const entry of walkRecords(handle, path, file)) {
        keys.add(entry.key);
        written.records++;
        written.bytes += entry.bytes;
        written.positions += entry.head.positions;
      }
      await handle.truncate(file.start + written.bytes);
      return new LogProbCacheWriter(path, handle, file, keys, written);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get records(): number {
    return this.#written.records;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /**
   * Appends the distributions of one sequence. It may be lost to a kill until `flush`.
   * @param tokens of the whole sequence
   * @param from the first token whose distribution (of the token after it) is kept
   * @param logits [positions, vocabSize] or log-probabilities
   * @throws RangeError for an empty or long key, one that is there already, or logits of another size
   */
  async add(
    key: string,
    tokens: ArrayLike<number | bigint>,
    from: number,
    logits: Float32Array,
  ): Promise<void> {
    const keyBytes = Buffer.byteLength(key);
    if (keyBytes === 0 || keyBytes > maxKeyBytes || this.#keys.has(key)) {
      const reason = this.#keys.has(key) ? 'it is there already' : `it has ${keyBytes} bytes`;
      throw new RangeError(`the key "${key}" cannot be added to ${this.path}: ${reason}`);
    }
    const positions = logits.length / this.header.vocabSize;
    if (!(Number.isInteger(positions) && positions > 0 && from >= 0 && from + positions <= tokens.length)) {
      throw new RangeError(
        `${key}: ${logits.length} logits from token ${from} do not fit ${tokens.length} tokens`,
      );
    }
    const record = encodeRecord(this.header, key, tokens, from, logits);
    const at = this.#start + this.#written.bytes;
    for (let done = 0; done < record.length; ) {
      done += (await this.#handle.write(record, done, record.length - done, at + done)).bytesWritten;
    }
    this.#keys.add(key);
    this.#written.records++;
    this.#written.bytes += record.length;
    this.#written.positions += positions;
  }

  /** Brings everything added so far to disk: a later loss of it is damage, and found. */
  async flush(): Promise<void> {
    await this.#handle.datasync();
    await writeCommitted(this.#handle, this.#written);
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#handle.close();
  }
}

export class LogProbCache {
  readonly path: string;
  readonly header: CacheHeader;
  /** Positions of all records. */
  readonly positions: number;
  readonly #handle: FileHandle;
  readonly #entries: ReadonlyMap<string, RecordEntry>;

  private constructor(
    path: string,
    handle: FileHandle,
    header: CacheHeader,
    entries: ReadonlyMap<string, RecordEntry>,
  ) {
    this.path = path;
    this.header = header;
    this.#handle = handle;
    this.#entries = entries;
    this.positions = [...entries.values()].reduce((sum, { head }) => sum + head.positions, 0);
  }

  /** @throws HaetaeError TRAINING_CACHE_INVALID where it is missing or damaged */
  static async open(path: string): Promise<LogProbCache> {
    const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
      throw invalidCache(path, `it cannot be opened (${error.code})`);
    });
    try {
      const file = await readFileHead(handle, path);
      const entries = new Map<string, RecordEntry>();
      for await (const entry of walkRecords(handle, path, file)) entries.set(entry.key, entry);
      return new LogProbCache(path, handle, file.header, entries);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get records(): number {
    return this.#entries.size;
  }

  keys(): Iterable<string> {
    return this.#entries.keys();
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /**
   * Reads one record from disk.
   * @param tokens of the sequence; they must be those the record was made of
   * @throws HaetaeError TRAINING_CACHE_INVALID where it is missing, damaged or of other tokens
   */
  async read(key: string, tokens: ArrayLike<number | bigint>): Promise<CachedLogProbs> {
    const entry = this.#entries.get(key);
    if (!entry) throw invalidCache(this.path, `it has no record "${key}"`);
    if (!sequenceHash(tokens).equals(entry.head.sequence)) {
      throw invalidCache(this.path, `the record "${key}" is of other tokens`);
    }
    const record = await readAt(this.#handle, entry.offset, entry.bytes);
    if (record.length !== entry.bytes || !isIntact(record)) {
      throw invalidCache(this.path, `the record "${key}" is damaged`);
    }
    return decodeRecord(this.header, record);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function openToWrite(path: string): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true });
  // 'r+' does not make a file, and 'a+' does not write where it is told.
  await (await open(path, 'a+')).close();
  return open(path, 'r+');
}

function checkSame(path: string, found: CacheHeader, wanted: CacheHeader): void {
  for (const field of ['vocabSize', 'model', 'k', 'type'] as const) {
    if (found[field] !== wanted[field]) {
      const [there, here] = [found[field] ?? 'all', wanted[field] ?? 'all'];
      throw invalidCache(path, `its ${field} is ${there}, this run's ${here}`);
    }
  }
}
