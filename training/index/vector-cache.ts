/**
 * Vectors of texts that were embedded before, so that after one changed document only its chunks are embedded.
 *
 *   <folder>/<fingerprint>.json   { dimension, keys: [sha256 of each text] }
 *   <folder>/<fingerprint>.f32    float32 little-endian [keys · dimension], same order
 *
 * One pair of files an embedder (by fingerprint): vectors of different embedders do not mix. A damaged cache is
 * an empty one.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../shared/bundle/bundle-store.js';
import type { Embedder } from '../../shared/retrieval/embedder.js';

export interface EmbeddedTexts {
  /** [texts · dimension] */
  vectors: Float32Array;
  /** How many had to be embedded. */
  embedded: number;
}

/** Texts embedded between two reports of progress. */
const batchTexts = 512;

export async function embedWithCache(
  folder: string,
  embedder: Embedder,
  texts: readonly string[],
  onProgress: (done: number, total: number) => void = () => {},
): Promise<EmbeddedTexts> {
  const { dimension, fingerprint } = embedder;
  const known = await readCache(folder, fingerprint, dimension);
  const keys = texts.map((text) => createHash('sha256').update(text).digest('hex'));
  const vectors = new Float32Array(texts.length * dimension);
  const missing: number[] = [];
  for (const [index, key] of keys.entries()) {
    const row = known.rows.get(key);
    if (row === undefined) missing.push(index);
    else vectors.set(known.vectors.subarray(row * dimension, (row + 1) * dimension), index * dimension);
  }
  for (let start = 0; start < missing.length; start += batchTexts) {
    const batch = missing.slice(start, start + batchTexts);
    const embedded = await embedder.embed(batch.map((index) => texts[index] as string), 'passage');
    for (const [at, index] of batch.entries()) {
      vectors.set(embedded.subarray(at * dimension, (at + 1) * dimension), index * dimension);
    }
    onProgress(Math.min(start + batchTexts, missing.length), missing.length);
  }
  if (missing.length > 0) await writeCache(folder, fingerprint, dimension, keys, vectors);
  return { vectors, embedded: missing.length };
}

interface Cache {
  rows: Map<string, number>;
  vectors: Float32Array;
}

async function readCache(folder: string, fingerprint: string, dimension: number): Promise<Cache> {
  const empty: Cache = { rows: new Map(), vectors: new Float32Array(0) };
  try {
    const header = JSON.parse(await readFile(join(folder, `${fingerprint}.json`), 'utf8')) as {
      dimension: number;
      keys: string[];
    };
    const bytes = await readFile(join(folder, `${fingerprint}.f32`));
    if (header.dimension !== dimension || bytes.length !== header.keys.length * dimension * 4) return empty;
    const vectors = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    return { rows: new Map(header.keys.map((key, row) => [key, row])), vectors };
  } catch {
    return empty;
  }
}

async function writeCache(
  folder: string,
  fingerprint: string,
  dimension: number,
  keys: readonly string[],
  vectors: Float32Array,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
  await writeFileAtomic(join(folder, `${fingerprint}.f32`), bytes);
  await writeFileAtomic(join(folder, `${fingerprint}.json`), JSON.stringify({ dimension, keys }));
}
