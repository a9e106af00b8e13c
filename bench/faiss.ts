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
import { messageOf } from '../shared/errors.js';
import { seededRandom } from '../shared/random.js';
import { openVectorIndex } from '../shared/retrieval/faiss/open-vector-index.js';
import { writeFlatFile } from '../shared/retrieval/flat-file.js';
import type { VectorIndex } from '../shared/retrieval/vector-index.js';
import { peakRssMb, timeAsync } from './measure.js';
import { findFaissPython } from './peer-python.js';
import type { BenchOptions, PartReport } from './report.js';

export interface FaissBenchOptions {
  vectors?: number;
  dimension?: number;
  queries?: number;
  k?: number;
  /** The interpreter that has `faiss`; default: the first that has it. */
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

/** Random unit rows. [n · d] */
function unitVectors(n: number, d: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  const vectors = new Float32Array(n * d);
  for (let row = 0; row < n; row++) {
    const vector = vectors.subarray(row * d, (row + 1) * d);
    for (let i = 0; i < d; i++) vector[i] = 2 * random() - 1;
    const norm = Math.hypot(...vector);
    for (let i = 0; i < d; i++) vector[i]! /= norm;
  }
  return vectors;
}

interface Run {
  name: string;
  p50Ms: number;
  p99Ms: number;
  /** [queries · k] */
  labels: number[];
}

async function timeIndex(name: string, index: VectorIndex, queries: Float32Array, k: number): Promise<Run> {
  const d = index.dimension;
  const rows = Array.from({ length: queries.length / d }, (_, row) =>
    queries.subarray(row * d, (row + 1) * d),
  );
  const labels: number[] = [];
  const search = (row: Float32Array) => index.searchAsync(row, k);
  await timeAsync(rows.slice(0, 20), search);
  const { p50Ms, p99Ms } = await timeAsync(rows, search, (hits) =>
    labels.push(...Array.from(hits.labels, Number)),
  );
  return { name, p50Ms, p99Ms, labels };
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

/** About 10 s. Prints nothing. */
export async function benchFaiss(options: FaissBenchOptions = {}): Promise<FaissBenchReport> {
  const { vectors: n = 20_000, dimension = 256, queries: nq = 500, k = 10, python = '' } = options;
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
    const found = await findFaissPython(python);
    if (found === null)
      skipped.push(`python-faiss: ${python || 'no Python at hand'} has no faiss (--faiss-python)`);
    else {
      try {
        const peer = fileURLToPath(new URL('./peers/faiss_peer.py', import.meta.url));
        const args = [peer, ...raw, String(dimension), '--k', String(k)];
        const { stdout } = await promisify(execFile)(found, args, { maxBuffer: 1 << 28 });
        runs.push(JSON.parse(stdout.trim().split('\n').at(-1)!) as Run);
      } catch (error) {
        skipped.push(`python-faiss: ${messageOf(error).split('\n')[0]}`);
      }
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

export async function faissPart({ faissPython, quick }: BenchOptions): Promise<PartReport> {
  const report = await benchFaiss({ python: faissPython, ...(quick ? { vectors: 2_000, queries: 50 } : {}) });
  const byName = new Map(report.contenders.map((contender) => [contender.name, contender]));
  const addon = byName.get('addon');
  if (addon === undefined) throw new Error(`the FAISS addon is not there: ${report.skipped.join('; ')}`);
  const others = report.contenders.filter(({ name }) => name !== 'addon');
  // the exact scan is the project's own oracle: where it disagrees, the addon is wrong
  const oracle = byName.get('javascript');
  if (oracle === undefined || oracle.ratio === null) {
    throw new Error(
      `the addon is disqualified: it agrees with the exact scan on ${oracle?.agreement ?? 0} of the queries`,
    );
  }
  return {
    figures: [
      { key: 'faissP50Ms', value: addon.p50Ms },
      { key: 'faissP99Ms', value: addon.p99Ms },
      {
        key: 'faissVsPython',
        value: byName.get('python-faiss')?.ratio ?? null,
        note: 'p50 of the peer over ours',
      },
      { key: 'faissVsJavaScript', value: oracle.ratio, note: 'p50 of the peer over ours' },
      { key: 'faissPeakMb', value: peakRssMb() },
    ],
    notes: [
      `exact search, ${report.vectors} vectors of ${report.dimension}, top ${report.k}, ${report.queries} queries one at a time, one thread`,
      ...others.map(
        ({ name, p50Ms, p99Ms, agreement: same }) =>
          `${name}: p50 ${p50Ms.toFixed(3)} ms, p99 ${p99Ms.toFixed(3)} ms, same hits ${same.toFixed(3)}`,
      ),
      ...report.skipped,
    ],
  };
}
