/**
 * One document to chunks, through a cache: parse, cut, check every chunk against the schema.
 *
 * The cache entry is named by the hash of the file, of its row in `sources.csv` and of the code, so a changed
 * document, row or program never meets an old entry. Failures that will happen again are kept too; running out
 * of time or memory is not.
 */
import { readFile } from 'node:fs/promises';
import { Compile } from 'typebox/compile';
import { type ErrorCode, HaetaeError } from '../../shared/errors.js';
import { Chunk } from '../../shared/retrieval/chunk.js';
import { writeAtomically } from '../../shared/write-atomically.js';
import type { DocumentParser, SourceEntry } from '../documents/document.js';
import { type DocumentFormat, parseDocument } from '../documents/parse-document.js';
import { cutControls, cutProse } from '../split/cut-document.js';
import { cutStatute, isStatute } from '../statute/cut-statute.js';
import { sha256, stableJson } from '../stages/stage.js';

export interface PreparedDocument {
  format: DocumentFormat;
  kind: 'statute' | 'controls' | 'prose';
  chunks: Chunk[];
  warnings: string[];
}

type CacheEntry = { ok: PreparedDocument } | { error: { code: ErrorCode; message: string } };

const schema = Compile(Chunk);
const transient: ReadonlySet<ErrorCode> = new Set(['DOCUMENT_TOO_COMPLEX', 'INTERNAL', 'CANCELLED']);

/** Name of the cache entry of a file. */
export function cacheName(fileHash: string, entry: SourceEntry, code: string): string {
  return `${sha256(stableJson({ fileHash, entry, code }))}.json`;
}

/** Prepares one document, or takes it from the cache. Rejects with a `HaetaeError` that names the path. */
export async function prepareDocument(
  bytes: Uint8Array,
  entry: SourceEntry,
  cacheFile: string,
  pdf: DocumentParser,
  signal?: AbortSignal,
): Promise<{ document: PreparedDocument; cached: boolean }> {
  const known = await readCache(cacheFile);
  if (known !== undefined) {
    if ('ok' in known) return { document: known.ok, cached: true };
    throw new HaetaeError(known.error.code, known.error.message, { path: entry.path });
  }
  try {
    const document = await parseAndCut(bytes, entry, pdf, signal);
    await writeAtomically(cacheFile, JSON.stringify({ ok: document } satisfies CacheEntry));
    return { document, cached: false };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof HaetaeError && !transient.has(error.code)) {
      const { code, message } = error;
      await writeAtomically(cacheFile, JSON.stringify({ error: { code, message } } satisfies CacheEntry));
    }
    throw error;
  }
}

async function parseAndCut(
  bytes: Uint8Array,
  entry: SourceEntry,
  pdf: DocumentParser,
  signal: AbortSignal | undefined,
): Promise<PreparedDocument> {
  const { format, document } = await parseDocument(bytes, entry.path, signal, pdf);
  let kind: PreparedDocument['kind'] = 'prose';
  let chunks: Chunk[];
  if (format === 'controls') {
    kind = 'controls';
    chunks = cutControls(document, entry);
  } else if (isStatute(document)) {
    kind = 'statute';
    chunks = cutStatute(document, entry);
  } else {
    chunks = cutProse(document, entry);
  }
  for (const chunk of chunks) assertChunk(chunk, entry.path);
  return { format, kind, chunks, warnings: document.warnings };
}

/** Throws `INTERNAL`, naming the chunk and the field, where a chunk does not fit the schema. */
export function assertChunk(chunk: unknown, path: string): asserts chunk is Chunk {
  if (schema.Check(chunk)) return;
  const [first] = schema.Errors(chunk);
  const id = (chunk as { chunkId?: string } | null)?.chunkId ?? '?';
  throw new HaetaeError(
    'INTERNAL',
    `${path}: the chunk ${id} does not fit the schema: ${JSON.stringify(first)}`,
    {
      path,
    },
  );
}

async function readCache(file: string): Promise<CacheEntry | undefined> {
  try {
    const value = JSON.parse(await readFile(file, 'utf8')) as CacheEntry;
    if ('ok' in value) {
      for (const chunk of value.ok.chunks) if (!schema.Check(chunk)) return undefined;
      return value;
    }
    return typeof value.error?.code === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
