/**
 * A corpus on disk: tokenised once, read in one go at every later start.
 *
 * ```
 * "HAETAETK"                       8 bytes
 * tokens                           uint16 (or uint32), little-endian, all sequences one after another
 * lengths, runs, runCounts, exampleCounts, exampleDocuments      uint32 each, on 8-byte boundaries
 * documentIds                      JSON
 * footer                           JSON: key, kind, width, and [offset, count] of each section
 * length of the footer             uint32
 * "HAETAETK"
 * ```
 *
 * Written beside its place and renamed: a file that is there is whole.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type TokenArrays, TokenCorpus } from './token-corpus.js';
import type { DocumentKind } from './training-document.js';
import { Uint32List } from './uint32-list.js';

const magic = Buffer.from('HAETAETK');
const columns = ['lengths', 'runs', 'runCounts', 'exampleCounts', 'exampleDocuments'] as const;
type Column = (typeof columns)[number];

interface Footer {
  key: string;
  kind: DocumentKind;
  width: 2 | 4;
  tokens: [offset: number, count: number];
  columns: Record<Column, [offset: number, count: number]>;
  documentIds: [offset: number, bytes: number];
}

export class TokenFileWriter {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: FileHandle;
  readonly #key: string;
  readonly #kind: DocumentKind;
  readonly #width: 2 | 4;
  #offset = 0;
  #tokens = 0;
  readonly #lists: Record<Column, Uint32List>;
  readonly #documents = new Map<string, number>();
  #pending: (readonly number[])[] = [];
  #pendingTokens = 0;

  private constructor(
    path: string,
    temporary: string,
    file: FileHandle,
    key: string,
    kind: DocumentKind,
    width: 2 | 4,
  ) {
    this.#path = path;
    this.#temporary = temporary;
    this.#file = file;
    this.#key = key;
    this.#kind = kind;
    this.#width = width;
    this.#lists = Object.fromEntries(columns.map((name) => [name, new Uint32List()])) as Record<
      Column,
      Uint32List
    >;
  }

  /** @param vocabSize decides the width of a token. */
  static async create(
    path: string,
    key: string,
    kind: DocumentKind,
    vocabSize: number,
  ): Promise<TokenFileWriter> {
    await mkdir(dirname(path), { recursive: true });
    const temporary = `${path}.${randomUUID()}.tmp`;
    const file = await open(temporary, 'wx');
    const writer = new TokenFileWriter(path, temporary, file, key, kind, vocabSize <= 65_536 ? 2 : 4);
    await writer.#write(magic);
    return writer;
  }

  get tokens(): number {
    return this.#tokens;
  }

  get examples(): number {
    return this.#lists.exampleCounts.length;
  }

  /** Begins an example of `sequences` sequences, which follow by `addSequence`. */
  addExample(documentId: string, sequences: number): void {
    const known = this.#documents.get(documentId) ?? this.#documents.size;
    this.#documents.set(documentId, known);
    this.#lists.exampleDocuments.push(known);
    this.#lists.exampleCounts.push(sequences);
  }

  /**
   * @param parts token ids one after another, below the vocabulary's size.
   * @param runs see `TokenArrays.runs`; none where all is trained on.
   */
  addSequence(parts: readonly (readonly number[])[], runs: readonly number[]): void {
    let length = 0;
    for (const part of parts) {
      this.#pending.push(part);
      length += part.length;
    }
    this.#pendingTokens += length;
    this.#tokens += length;
    this.#lists.lengths.push(length);
    this.#lists.runCounts.push(runs.length);
    for (const run of runs) this.#lists.runs.push(run);
  }

  /** Writes the tokens so far. */
  async flush(): Promise<void> {
    const joined =
      this.#width === 2 ? new Uint16Array(this.#pendingTokens) : new Uint32Array(this.#pendingTokens);
    let at = 0;
    for (const part of this.#pending) {
      joined.set(part, at);
      at += part.length;
    }
    this.#pending = [];
    this.#pendingTokens = 0;
    await this.#write(bytesOf(joined));
  }

  /** Completes the file and puts it in its place. */
  async close(): Promise<void> {
    await this.flush();
    const footer: Footer = {
      key: this.#key,
      kind: this.#kind,
      width: this.#width,
      tokens: [magic.length, this.#tokens],
      columns: {} as Footer['columns'],
      documentIds: [0, 0],
    };
    for (const name of columns) {
      await this.#align();
      const values = this.#lists[name].view();
      footer.columns[name] = [this.#offset, values.length];
      await this.#write(bytesOf(values));
    }
    const ids = Buffer.from(JSON.stringify([...this.#documents.keys()]));
    footer.documentIds = [this.#offset, ids.length];
    await this.#write(ids);
    const end = Buffer.from(JSON.stringify(footer));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(end.length);
    await this.#write(Buffer.concat([end, length, magic]));
    await this.#file.sync();
    await this.#file.close();
    await rename(this.#temporary, this.#path);
  }

  /** Gives the file up. Harmless after `close`. */
  async abandon(): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(this.#temporary, { force: true });
  }

  async #align(): Promise<void> {
    await this.#write(Buffer.alloc((8 - (this.#offset % 8)) % 8));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (bytes.length > 0) await this.#file.writeFile(bytes);
    this.#offset += bytes.length;
  }
}

/** The corpus of the file; null where it is absent, not whole, or of another key. */
export async function readTokenFile(path: string, key: string): Promise<TokenCorpus | null> {
  const file = await open(path, 'r').catch(() => null);
  if (!file) return null;
  try {
    const footer = await readFooter(file);
    return footer?.key === key ? new TokenCorpus(await readArrays(file, footer)) : null;
  } finally {
    await file.close();
  }
}

async function readFooter(file: FileHandle): Promise<Footer | null> {
  const { size } = await file.stat();
  const tailLength = 4 + magic.length;
  if (size < magic.length + tailLength) return null;
  const tail = await readSpan(file, size - tailLength, tailLength);
  const length = tail.readUInt32LE(0);
  if (!tail.subarray(4).equals(magic) || length > size - tailLength) return null;
  try {
    return JSON.parse((await readSpan(file, size - tailLength - length, length)).toString('utf8')) as Footer;
  } catch {
    return null;
  }
}

async function readArrays(file: FileHandle, footer: Footer): Promise<TokenArrays> {
  const { key, kind, width } = footer;
  const [offset, count] = footer.tokens;
  const bytes = await readSpan(file, offset, count * width);
  const tokens =
    width === 2 ? new Uint16Array(bytes.buffer, 0, count) : new Uint32Array(bytes.buffer, 0, count);
  const column = async (name: Column): Promise<Uint32Array> => {
    const [start, length] = footer.columns[name];
    return new Uint32Array((await readSpan(file, start, length * 4)).buffer, 0, length);
  };
  const ids = await readSpan(file, ...footer.documentIds);
  return {
    key,
    kind,
    tokens,
    offsets: startsOf(await column('lengths'), Float64Array),
    runs: await column('runs'),
    runStarts: startsOf(await column('runCounts'), Uint32Array),
    exampleStarts: startsOf(await column('exampleCounts'), Uint32Array),
    exampleDocuments: await column('exampleDocuments'),
    documentIds: JSON.parse(ids.toString('utf8')) as string[],
  };
}

/** [n + 1]: sums of what stands before each. */
function startsOf<T extends Float64Array | Uint32Array>(
  counts: Uint32Array,
  type: new (length: number) => T,
): T {
  const starts = new type(counts.length + 1);
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    starts[i] = sum;
    sum += counts[i]!;
  }
  starts[counts.length] = sum;
  return starts;
}

/** Bytes of the file in memory of their own, so that numbers of any width can be seen in them. */
async function readSpan(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.from(new ArrayBuffer(length));
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, Math.min(length - done, 2 ** 30), offset + done);
    if (bytesRead === 0) throw new Error(`the file ends at byte ${offset + done}`);
    done += bytesRead;
  }
  return bytes;
}

function bytesOf(values: Uint16Array | Uint32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
