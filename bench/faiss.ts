/**
 * Vector search against its peers on the same vectors: haetae's addon (in memory, and mapped from the file), the
 * exact scan in JavaScript, and Python's FAISS where it is installed. Exact search, one thread, one query at a
 * time. A contender whose hits differ from the addon's is disqualified: its ratio is null.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openVectorIndex } from '../shared/retrieval/faiss/open-vector-index.js';
import { writeFlatFile } from '../shared/retrieval/flat-file.js';
import type { VectorIndex } from '../shared/retrieval/vector-index.js';

export interface FaissBenchOptions {
  vectors?: number;
  dimension?: number;
  queries?: number;
  k?: number;
  /** The interpreter that has `faiss`. */
  python?: string;
}

export interface FaissContender {
  name: string;
  p50Ms: number;
  p99Ms: number;
  /** Share of queries with the same k rows as the addon. Below 0.99 the contender is wrong. */
  agreement: number;
  /** p50 of this contender over p50 of the addon in memory; null where it is wrong. */
  ratio: number | null;
}

export interface FaissBenchReport {
  vectors: number;
  dimension: number;
  queries: number;
  k: number;
  contenders: FaissContender[];
  /** Contenders that could not run, and why. */
  skipped: string[];
}

/** Rows of a seeded generator (xorshift32), normalised. [n · d] */
function unitVectors(n: number, d: number, seed: number): Float32Array {
  const vectors = new Float32Array(n * d);
  let state = seed;
  for (let row = 0; row < n; row++) {
    let sum = 0;
    for (let i = 0; i < d; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const value = state / 2 ** 31;
      vectors[row * d + i] = value;
      sum += value * value;
    }
    for (let i = 0; i < d; i++) vectors[row * d + i]! /= Math.sqrt(sum);
  }
  return vectors;
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;

interface Run {
  name: string;
  p50Ms: number;
  p99Ms: number;
  /** [queries · k] */
  labels: number[];
}

async function timeIndex(name: string, index: VectorIndex, queries: Float32Array, k: number): Promise<Run> {
  const d = index.dimension;
  const times: number[] = [];
  const labels: number[] = [];
  const n = queries.length / d;
  for (let i = -Math.min(20, n); i < n; i++) {
    const row = Math.max(i, 0); // negative: warm-up
    const started = performance.now();
    const hits = await index.searchAsync(queries.subarray(row * d, (row + 1) * d), k);
    if (i < 0) continue;
    times.push(performance.now() - started);
    labels.push(...Array.from(hits.labels, Number));
  }
  times.sort((a, b) => a - b);
  return { name, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), labels };
}

/** Share of queries whose k rows are the same set. */
function agreement(a: readonly number[], b: readonly number[], k: number): number {
  let same = 0;
  for (let at = 0; at < a.length; at += k) {
    const rows = new Set(a.slice(at, at + k));
    if (b.slice(at, at + k).every((row) => rows.has(row))) same++;
  }
  return (same * k) / a.length;
}

/** About 5 s. Prints nothing. */
export async function benchFaiss(options: FaissBenchOptions = {}): Promise<FaissBenchReport> {
  const {
    vectors: n = 20_000,
    dimension = 256,
    queries: nq = 500,
    k = 10,
    python = '/usr/bin/python3',
  } = options;
  const dir = await mkdtemp(join(tmpdir(), 'haetae-bench-'));
  const skipped: string[] = [];
  try {
    const vectors = unitVectors(n, dimension, 1);
    const queries = unitVectors(nq, dimension, 2);
    const path = join(dir, 'flat.faiss');
    await writeFlatFile(path, { dimension, size: n, metric: 'inner-product', vectors });
    const raw = [join(dir, 'vectors.f32'), join(dir, 'queries.f32')] as const;
    await writeFile(raw[0], vectors);
    await writeFile(raw[1], queries);

    const runs: Run[] = [];
    for (const [name, open] of [
      ['addon', { threads: 1 }],
      ['addon-mmap', { threads: 1, mmap: true }],
      ['javascript', { faiss: undefined, faissNode: undefined }],
    ] as const) {
      const { index, warnings } = await openVectorIndex(path, open);
      if (name !== 'javascript' && warnings.length > 0) skipped.push(`${name}: ${warnings.join('; ')}`);
      else runs.push(await timeIndex(name, index, queries, k));
    }
    try {
      const peer = fileURLToPath(new URL('./peers/faiss_peer.py', import.meta.url));
      const { stdout } = await promisify(execFile)(
        python,
        [peer, ...raw, String(dimension), '--k', String(k)],
        {
          maxBuffer: 1 << 28,
        },
      );
      runs.push(JSON.parse(stdout.trim().split('\n').at(-1)!) as Run);
    } catch (error) {
      skipped.push(`python-faiss: ${String((error as Error).message).split('\n')[0]}`);
    }

    const [first] = runs;
    const contenders = runs.map(({ name, p50Ms, p99Ms, labels }) => {
      const agreed = agreement(first!.labels, labels, k);
      return { name, p50Ms, p99Ms, agreement: agreed, ratio: agreed < 0.99 ? null : p50Ms / first!.p50Ms };
    });
    return { vectors: n, dimension, queries: nq, k, contenders, skipped };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
