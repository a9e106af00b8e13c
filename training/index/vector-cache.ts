/**
 * Vectors of texts that were embedded before, so that after one changed document only its chunks are embedded.
 *
 *   <folder>/<fingerprint>.json   { dimension, sha256 of the .f32 file, keys: [sha256 of each text] }
 *   <folder>/<fingerprint>.f32    float32 little-endian [keys · dimension], same order
 *
 * One pair of files an embedder (by fingerprint): vectors of different embedders do not mix. A damaged cache, or a
 * pair that two runs wrote, is an empty one. It holds the texts of the last run that embedded something.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Embedder } from '../../shared/retrieval/embedder.js';
import { writeAtomically } from '../../shared/write-atomically.js';

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
  const keys = texts.map((text) => sha256(text));
  const vectors = new Float32Array(texts.length * dimension);
  const missing = new Map<string, number[]>();
  for (const [index, key] of keys.entries()) {
    const row = known.rows.get(key);
    if (row !== undefined)
      vectors.set(known.vectors.subarray(row * dimension, (row + 1) * dimension), index * dimension);
    else missing.set(key, [...(missing.get(key) ?? []), index]);
  }
  const wanted = [...missing.values()];
  for (let start = 0; start < wanted.length; start += batchTexts) {
    const batch = wanted.slice(start, start + batchTexts);
    const embedded = await embedder.embed(
      batch.map(([first]) => texts[first as number] as string),
      'passage',
    );
    for (const [at, indices] of batch.entries()) {
      const vector = embedded.subarray(at * dimension, (at + 1) * dimension);
      for (const index of indices) vectors.set(vector, index * dimension);
    }
    onProgress(start + batch.length, wanted.length);
  }
  if (wanted.length > 0) await writeCache(folder, fingerprint, dimension, keys, vectors);
  return { vectors, embedded: wanted.length };
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
      sha256: string;
      keys: string[];
    };
    const bytes = await readFile(join(folder, `${fingerprint}.f32`));
    if (header.dimension !== dimension || bytes.length !== header.keys.length * dimension * 4) return empty;
    if (header.sha256 !== sha256(bytes)) return empty;
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
  await writeAtomically(join(folder, `${fingerprint}.f32`), bytes);
  await writeAtomically(
    join(folder, `${fingerprint}.json`),
    JSON.stringify({ dimension, sha256: sha256(bytes), keys }),
  );
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
