/**
 * Builds the vector index of a bundle and measures it.
 *
 * Choice by size: exact (`Flat`) to 50,000 vectors; above that inverted lists (`IVF`, nlist ≈ 8·√n, at least 39
 * training points per list) or, if asked for, a graph (`HNSW32`). For these, nprobe or efSearch is doubled until
 * recall@10 against the exact search reaches the target, and is written into the index as its default.
 *
 * Metric: inner product; ids are row numbers. Flat and IVF are deterministic for given vectors, options and
 * machine; HNSW with one thread only.
 */
import { stat } from 'node:fs/promises';
import { HaetaeError } from '../../errors.js';
import { seededRandom } from '../../random.js';
import { writeFlatFile } from '../flat-file.js';
import { loadFaiss } from './addon.js';
import { toFaissError } from './faiss-error.js';
import type { FaissIndex, FaissModule } from './faiss-module.js';

/** FAISS warns below this many points per centroid. */
const minPointsPerList = 39;
/** FAISS's k-means samples down to this many points per centroid by itself. */
const maxPointsPerList = 256;

export type VectorIndexKind = 'flat' | 'ivf' | 'hnsw';

export interface BuildOptions {
  /** The file to write. */
  path: string;
  /** Default: by size. */
  kind?: VectorIndexKind;
  /** Largest number of vectors that is still searched exactly; default 50,000. */
  flatLimit?: number;
  /** Inverted lists; default 8·√n, at most n / 39. */
  nlist?: number;
  /** Links per node of HNSW; default 32. */
  m?: number;
  /** 0..1; default 0.95. */
  targetRecall?: number;
  /** Queries that recall is measured with, [q · dimension]. Default: 200 rows drawn by `seed`, without themselves. */
  queries?: Float32Array;
  seed?: number;
  /** Default 1. */
  threads?: number;
  /** For tests; `undefined` as a value means: no addon. */
  faiss?: FaissModule | undefined;
}

/** What the manifest keeps. */
export interface VectorIndexReport {
  kind: VectorIndexKind;
  /** As FAISS's index factory writes it. */
  description: string;
  metric: 'inner-product';
  dimension: number;
  size: number;
  bytes: number;
  /** Defaults stored in the file, e.g. `nprobe=16`; empty for flat. */
  searchParams: string;
  /** Against the exact search; 1 for flat, null where there is nothing to measure. */
  recallAt10: number | null;
  recallQueries: number;
  trainMs: number;
  addMs: number;
  warnings: string[];
}

/** `count` different rows of n, ascending. */
function sampleRows(n: number, count: number, seed: number): number[] {
  const random = seededRandom(seed);
  const rows = new Set<number>();
  while (rows.size < Math.min(count, n)) rows.add(Math.floor(random() * n));
  return [...rows].sort((a, b) => a - b);
}

function gather(vectors: Float32Array, dimension: number, rows: readonly number[]): Float32Array {
  const gathered = new Float32Array(rows.length * dimension);
  rows.forEach((row, i) => {
    gathered.set(vectors.subarray(row * dimension, (row + 1) * dimension), i * dimension);
  });
  return gathered;
}

/** Ten neighbours per query, as sets; a query that is a stored row does not count as its own neighbour. */
async function neighbours(
  index: FaissIndex,
  queries: Float32Array,
  self: readonly number[] | undefined,
  searchParams?: string,
): Promise<Set<number>[]> {
  const k = self ? 11 : 10;
  const { labels } = await index.searchAsync(queries, k, searchParams);
  const n = labels.length / k;
  return Array.from({ length: n }, (_, q) => {
    const found = Array.from(labels.subarray(q * k, (q + 1) * k), Number);
    return new Set(found.filter((row) => row >= 0 && row !== self?.[q]).slice(0, 10));
  });
}

/** Mean share of the true neighbours that were found. */
export function meanRecall(truth: readonly Set<number>[], found: readonly Set<number>[]): number {
  let sum = 0;
  let counted = 0;
  truth.forEach((expected, q) => {
    if (expected.size === 0) return;
    let hits = 0;
    for (const row of expected) if (found[q]?.has(row)) hits++;
    sum += hits / expected.size;
    counted++;
  });
  return counted === 0 ? 1 : sum / counted;
}

/** The number of inverted lists for n vectors. */
export function listCount(n: number): number {
  return Math.max(1, Math.min(Math.round(8 * Math.sqrt(n)), Math.floor(n / minPointsPerList)));
}

function check(vectors: Float32Array, dimension: number, options: BuildOptions): number {
  if (!Number.isInteger(dimension) || dimension < 1)
    throw new HaetaeError(
      'RETRIEVAL_PARAMETER',
      `the dimension must be a whole number from 1, got ${dimension}`,
    );
  if (vectors.length === 0) throw new HaetaeError('RETRIEVAL_PARAMETER', 'there are no vectors to index');
  if (vectors.length % dimension !== 0)
    throw new HaetaeError(
      'RETRIEVAL_DIM_MISMATCH',
      `${vectors.length} numbers are no whole number of vectors of ${dimension} dimensions`,
    );
  const bad = vectors.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new HaetaeError(
      'RETRIEVAL_PARAMETER',
      `vector ${Math.floor(bad / dimension)} holds NaN or Infinity`,
    );
  const n = vectors.length / dimension;
  const { nlist } = options;
  if (nlist !== undefined && !(Number.isInteger(nlist) && nlist >= 1 && nlist <= n))
    throw new HaetaeError('RETRIEVAL_PARAMETER', `nlist must be a whole number from 1 to ${n}, got ${nlist}`);
  return n;
}

/** Trains and fills the index; the times go into the report. */
function fill(
  index: FaissIndex,
  vectors: Float32Array,
  training: Float32Array,
): { trainMs: number; addMs: number } {
  const started = performance.now();
  if (!index.isTrained()) index.train(training);
  const trained = performance.now();
  index.add(vectors);
  return { trainMs: trained - started, addMs: performance.now() - trained };
}

/** Doubles the parameter until recall@10 reaches the target or nothing is left to double. */
async function tune(
  index: FaissIndex,
  name: 'nprobe' | 'efSearch',
  max: number,
  target: number,
  measure: (searchParams: string) => Promise<number>,
): Promise<{ searchParams: string; recall: number }> {
  for (let value = name === 'nprobe' ? 1 : 16; ; value = Math.min(2 * value, max)) {
    const searchParams = `${name}=${value}`;
    const recall = await measure(searchParams);
    if (recall < target && value < max) continue;
    index.setParameters(searchParams);
    return { searchParams, recall };
  }
}

/**
 * Writes the index of `vectors` [n · dimension], unit rows or zeros, to `options.path` (complete or absent).
 * Training and adding block the thread: this belongs into a training stage, not into a server.
 * Errors: RETRIEVAL_PARAMETER, RETRIEVAL_DIM_MISMATCH, FAISS_ERROR.
 */
export async function buildVectorIndex(
  vectors: Float32Array,
  dimension: number,
  options: BuildOptions,
): Promise<VectorIndexReport> {
  const size = check(vectors, dimension, options);
  const warnings: string[] = [];
  const faiss = 'faiss' in options ? options.faiss : loadFaiss(warnings);
  let kind = options.kind ?? (size <= (options.flatLimit ?? 50_000) ? 'flat' : 'ivf');
  if (!faiss && kind !== 'flat') {
    warnings.push(`without the FAISS addon a flat index is written instead of ${kind}`);
    kind = 'flat';
  }
  const report = { kind, metric: 'inner-product', dimension, size, warnings } as const;
  try {
    if (kind === 'flat' || !faiss) {
      const started = performance.now();
      await writeFlatFile(options.path, { dimension, size, metric: 'inner-product', vectors });
      const { size: bytes } = await stat(options.path);
      const addMs = performance.now() - started;
      return {
        ...report,
        description: 'Flat',
        bytes,
        searchParams: '',
        recallAt10: 1,
        recallQueries: 0,
        trainMs: 0,
        addMs,
      };
    }
    faiss.setOmpThreads(options.threads ?? 1);
    const seed = options.seed ?? 1;
    const nlist = options.nlist ?? listCount(size);
    const descriptor = kind === 'ivf' ? `IVF${nlist},Flat` : `HNSW${options.m ?? 32},Flat`;
    const index = faiss.Index.fromFactory(dimension, descriptor, faiss.MetricType.METRIC_INNER_PRODUCT);
    const enough = size <= nlist * maxPointsPerList;
    const training = enough
      ? vectors
      : gather(vectors, dimension, sampleRows(size, nlist * maxPointsPerList, seed));
    const times = fill(index, vectors, training);

    const rows = options.queries ? undefined : sampleRows(size, 200, seed + 1);
    const queries = options.queries ?? gather(vectors, dimension, rows!);
    const flat = new faiss.IndexFlatIP(dimension);
    flat.add(vectors);
    const truth = await neighbours(flat, queries, rows);
    flat.reset();
    const { searchParams, recall } = await tune(
      index,
      kind === 'ivf' ? 'nprobe' : 'efSearch',
      kind === 'ivf' ? Math.min(nlist, 65_536) : 4096,
      options.targetRecall ?? 0.95,
      async (params) => meanRecall(truth, await neighbours(index, queries, rows, params)),
    );
    index.write(options.path);
    const { size: bytes } = await stat(options.path);
    return {
      ...report,
      description: index.describe(),
      bytes,
      searchParams,
      recallAt10: recall,
      recallQueries: truth.length,
      ...times,
    };
  } catch (error) {
    throw toFaissError(error);
  }
}
