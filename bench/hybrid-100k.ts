/**
 * Hybrid retrieval over 100,000 chunks: the real ones, and recombinations of their sentences (`recombineChunks`),
 * one vector a chunk, inverted lists with the parameter that the build tuned. Built once through the product's own
 * code (`build-100k.ts`) and kept under data/work/bench, under a name that says what it was made from.
 *
 * Checked: recall@10 of the inverted lists against an exact search with the questions' vectors, and BM25 against a
 * plain sum over its matrix. Where Python has FAISS, it searches the same index file with the same vectors.
 */
import { execFile, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readBundle } from '../shared/bundle/bundle-store.js';
import { loadRuntime } from '../shared/bundle/load-runtime.js';
import { entryPoint } from '../shared/entry-point.js';
import { messageOf } from '../shared/errors.js';
import { openVectorIndex } from '../shared/retrieval/faiss/open-vector-index.js';
import type { VectorIndex } from '../shared/retrieval/vector-index.js';
import { createTokenizer } from '../shared/text/tokenize.js';
import type { Build100kOptions, Build100kReport } from './build-100k.js';
import { peakRssMb, timeAsync } from './measure.js';
import { findFaissPython } from './peer-python.js';
import type { BenchOptions, PartReport } from './report.js';
import { checkKeywords, recallOf, renderStages, runRetrieval } from './retrieval-run.js';
import { packagePath, readQuestions, readWarmUpQuestions } from './workload.js';

const seed = 20_250_801;
const k = 10;
/** The build tunes its parameter to 0.95 on the index's own vectors; the vectors of questions lie further out. */
const leastRecall = 0.8;

export async function benchHybrid100k({ quick, faissPython }: BenchOptions): Promise<PartReport> {
  const { manifest } = await readBundle(packagePath('models'));
  const threads = availableParallelism();
  const count = quick ? manifest.index.chunkCount + 2_000 : 100_000;
  const {
    folder,
    report: built,
    reused,
  } = await indexOf(manifest.id, count, threads, quick ? 'quick' : '100k');
  const warmUp = await readWarmUpQuestions();
  const questions = (await readQuestions('test.csv')).slice(0, quick ? 100 : undefined);

  const modelsDir = join(folder, 'models');
  const rounds = quick ? 1 : 2;
  const run = await runRetrieval(() => loadRuntime({ modelsDir, threads }), warmUp, questions, rounds);
  const { runtime } = run;
  const peakMb = peakRssMb();

  const made = await readBundle(modelsDir);
  const { searchParams } = made.manifest.retrieval;
  const few = questions.slice(0, quick ? 10 : 30);
  await checkKeywords(join(made.folder, made.manifest.index.bm25), await createTokenizer(), few, 100);
  const path = join(made.folder, made.manifest.index.vectors);
  const { index: vectors } = await openVectorIndex(path, { threads: 1 });
  const queries = await runtime.parts.embedder.embed(questions, 'query');
  const exact = await openVectorIndex(join(folder, 'flat.faiss'), { threads });
  const recall = await recallOf(vectors, exact.index, queries, k, searchParams);
  if (recall < leastRecall)
    throw new Error(`vector search is disqualified: recall@10 is ${recall.toFixed(3)}`);
  const peer = await comparePython(faissPython, path, vectors, queries, searchParams);
  await runtime.close();
  const { vectorIndex } = built;
  return {
    figures: [
      { key: 'retrieve100kP50Ms', value: run.first.p50Ms },
      { key: 'retrieve100kP99Ms', value: run.first.p99Ms, budget: { atMost: 40 } },
      { key: 'retrieve100kAgainP99Ms', value: run.again.p99Ms, note: 'the same questions once more' },
      {
        key: 'retrieve100kRecallAt10',
        value: recall,
        note: 'inverted lists against exact, vectors of questions',
      },
      {
        key: 'ivf100kVsPython',
        value: peer.ratio,
        note: peer.note,
      },
      { key: 'build100kSeconds', value: built.seconds },
      { key: 'build100kPeakMb', value: built.peakMb },
      { key: 'retrieve100kPeakMb', value: peakMb },
    ],
    notes: [
      `${count} chunks of which ${manifest.index.chunkCount} are real; ${vectorIndex.description} with ${vectorIndex.searchParams || 'no parameters'} (recall@10 ${vectorIndex.recallAt10?.toFixed(3)} on its own vectors); ${questions.length} questions, each for the first time; ${rounds} loads`,
      `stages p50/p99 ms: ${renderStages(run)}`,
      `built ${reused ? 'earlier' : 'now'}, seconds: embed ${built.embedSeconds.toFixed(1)}, vectors ${built.vectorSeconds.toFixed(1)}, tokenize ${built.tokenizeSeconds.toFixed(1)}, learn ${built.learnSeconds.toFixed(1)}, freeze ${built.freezeSeconds.toFixed(1)}`,
      ...runtime.info.warnings,
    ],
  };
}

/** The built index; made where it is absent. */
async function indexOf(
  bundleId: string,
  count: number,
  threads: number,
  name: string,
): Promise<{ folder: string; report: Build100kReport; reused: boolean }> {
  const code = createHash('sha256');
  for (const module of ['./workload', './build-100k'])
    code.update(await readFile(entryPoint(import.meta.url, module)));
  const parent = packagePath(`data/work/bench/${name}`);
  const folder = join(parent, `${bundleId}-${count}-${seed}-${code.digest('hex').slice(0, 8)}`);
  const reused = existsSync(join(folder, 'build.json'));
  if (!reused) {
    await mkdir(parent, { recursive: true });
    const child = fork(entryPoint(import.meta.url, './build-100k'), {
      execArgv: [...process.execArgv, '--max-old-space-size=8192'],
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    const options: Build100kOptions = { folder, count, seed, threads };
    child.send(options);
    const [status, signal] = (await once(child, 'exit')) as [number | null, string | null];
    if (status !== 0)
      throw new Error(`the index could not be built: its process ended with ${signal ?? `status ${status}`}`);
  }
  const report = JSON.parse(await readFile(join(folder, 'build.json'), 'utf8')) as Build100kReport;
  return { folder, report, reused };
}

/** p50 of Python's FAISS over ours on the same index file, one query at a time, one thread each. */
async function comparePython(
  given: string,
  path: string,
  index: VectorIndex,
  queries: Float32Array,
  searchParams: string,
): Promise<{ ratio: number | null; note: string }> {
  const python = await findFaissPython(given);
  if (python === null) return { ratio: null, note: 'no Python with faiss (--faiss-python)' };
  const { dimension } = index;
  const rows = Array.from({ length: queries.length / dimension }, (_, row) =>
    queries.subarray(row * dimension, (row + 1) * dimension),
  );
  await timeAsync(rows.slice(0, 20), (row) => index.searchAsync(row, k, searchParams));
  const scores: number[] = [];
  const times = await timeAsync(
    rows,
    (row) => index.searchAsync(row, k, searchParams),
    (hits) => scores.push(...hits.distances),
  );
  const folder = await mkdtemp(join(tmpdir(), 'haetae-bench-'));
  try {
    const file = join(folder, 'queries.f32');
    await writeFile(file, queries);
    const script = fileURLToPath(new URL('./peers/faiss_peer.py', import.meta.url));
    const args = [
      script,
      file,
      file,
      String(dimension),
      '--k',
      String(k),
      '--index',
      path,
      '--params',
      searchParams,
    ];
    const { stdout } = await promisify(execFile)(python, args, { maxBuffer: 1 << 28 });
    const peer = JSON.parse(stdout.trim().split('\n').at(-1) as string) as {
      p50Ms: number;
      scores: number[];
    };
    // scores, not rows: chunks that repeat a sentence tie
    const same =
      scores.filter((score, i) => Math.abs(score - (peer.scores[i] as number)) < 1e-4).length / scores.length;
    if (same < 0.99) return { ratio: null, note: `Python's hits differ: ${same.toFixed(3)} score the same` };
    return {
      ratio: peer.p50Ms / times.p50Ms,
      note: `p50 ${peer.p50Ms.toFixed(3)} ms (Python) to ${times.p50Ms.toFixed(3)} ms, one thread`,
    };
  } catch (error) {
    return { ratio: null, note: messageOf(error).split('\n')[0] as string };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
