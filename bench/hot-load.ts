/**
 * Changing the bundle under load: a compiled server, two copies of the active bundle that differ in how many passages
 * they return, eight clients, fifty changes to and fro. A request that fails, or a reply that is not of the bundle it
 * names, or not of the only one that served meanwhile, counts as failed.
 *
 * A change takes from the request for it to the first question that the new engine can take: checksums, loading, the
 * smoke test. Memory is that of API and engine once the old engine has ended. The event-loop delay is the API's.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { activateBundle, manifestName, readBundle } from '../shared/bundle/bundle-store.js';
import { parseQuestionFile } from '../shared/question/question-file.js';
import { loopDelay } from './loop-delay.js';
import { latencyOf, median, treeMemory } from './measure.js';
import type { BenchOptions, PartReport } from './report.js';
import { type ServerProcess, startServerProcess } from './server-process.js';
import { packagePath } from './workload.js';

const clients = 8;
/** Between two requests of a client. */
const paceMs = 20;
const adminKey = 'bench-hot-load-key';
/** Passages that each bundle returns where none is asked for. */
const topK = { one: 5, two: 3 } as const;
type Id = keyof typeof topK;

/** What the clients have seen. */
interface Seen {
  failed: number;
  firstFailure: string;
  timesMs: number[];
}

export async function benchHotLoad({ quick, environment }: BenchOptions): Promise<PartReport> {
  const swaps = quick ? 6 : 50;
  const folder = await mkdtemp(join(tmpdir(), 'haetae-bench-'));
  const modelsDir = join(folder, 'models');
  const probe = join(folder, 'delay');
  try {
    const bytes = await writeBundles(modelsDir);
    const { rows } = await parseQuestionFile(await readFile(packagePath('data/questions/test.csv')), {
      maxRows: 100_000,
    });
    const questions = rows.map(({ question }) => question);
    const server = await startServerProcess({
      environment: {
        ...environment,
        HAETAE_MODELS_DIR: modelsDir,
        HAETAE_ADMIN_KEY: adminKey,
        HAETAE_CACHE_MAX: '0',
        HAETAE_BENCH_PROBE: probe,
      },
      nodeOptions: [`--import=${pathToFileURL(packagePath('bench/loop-delay-probe.js')).href}`],
    });
    try {
      await server.waitFor('/readyz');
      await loopDelay(server, probe);
      const { seen, changes, memory } = await changeUnderLoad(server, questions, swaps);
      const delay = await loopDelay(server, probe);
      const change = latencyOf(changes);
      const request = latencyOf(seen.timesMs);
      const level = memory === null ? null : median(memory.slice(0, Math.ceil(memory.length / 5)));
      const end = memory === null ? null : median(memory.slice(-Math.ceil(memory.length / 5)));
      return {
        figures: [
          { key: 'swaps', value: changes.length },
          { key: 'failed', value: seen.failed, budget: { atMost: 1 }, note: seen.firstFailure },
          { key: 'swapP50Ms', value: change.p50Ms },
          { key: 'swapP99Ms', value: change.p99Ms },
          {
            key: 'rssGrowthMb',
            value: level === null || end === null ? null : end - level,
            budget: { atMost: 30 },
            note: 'median of the last fifth of the changes against the first',
          },
          { key: 'swapRssMb', value: level, note: 'API and engine, after a change' },
          { key: 'swapRequestP50Ms', value: request.p50Ms, note: 'requests while bundles change' },
          { key: 'swapRequestP99Ms', value: request.p99Ms },
          { key: 'swapLoopDelayP99Ms', value: delay.p99Ms, budget: { atMost: 20 }, note: 'API process' },
          { key: 'swapLoopDelayMaxMs', value: delay.maxMs },
        ],
        notes: [
          `${seen.timesMs.length} requests of ${clients} clients, ${paceMs} ms between two of each; ` +
            `bundles of ${(bytes / 1e6).toFixed(0)} MB; ${delay.count} samples of loop delay`,
        ],
      };
    } finally {
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Copies the active bundle twice; returns the bytes of one. */
async function writeBundles(modelsDir: string): Promise<number> {
  const { folder, manifest } = await readBundle(packagePath('models'));
  for (const [id, count] of Object.entries(topK)) {
    const copy = join(modelsDir, id);
    await cp(folder, copy, { recursive: true });
    const retrieval = { ...manifest.retrieval, topK: count };
    await writeFile(join(copy, manifestName), JSON.stringify({ ...manifest, id, retrieval }));
  }
  await activateBundle(modelsDir, 'one');
  return manifest.files.reduce((sum, file) => sum + file.bytes, 0);
}

async function changeUnderLoad(server: ServerProcess, questions: readonly string[], swaps: number) {
  const seen: Seen = { failed: 0, firstFailure: '', timesMs: [] };
  let done = false;
  /** The only bundle that replies to what is asked now can come from; undefined while it changes. */
  let settled: { id: Id } | undefined = { id: 'one' };
  const client = async (number: number) => {
    for (let n = number; !done; n += clients) {
      const before = settled;
      const started = performance.now();
      const fault = await ask(server, questions[n % questions.length] as string, n % 2 === 0).then(
        (id) =>
          before !== undefined && before === settled && id !== before.id
            ? `a reply came from '${id}' while '${before.id}' served`
            : '',
        String,
      );
      seen.timesMs.push(performance.now() - started);
      if (fault !== '') {
        seen.failed += 1;
        seen.firstFailure ||= fault;
      }
      await sleep(paceMs);
    }
  };
  const load = Array.from({ length: clients }, (_, number) => client(number));
  const changes: number[] = [];
  const memory: number[] = [];
  let hasMemory = true;
  for (let i = 0; i < swaps; i++) {
    const id: Id = i % 2 === 0 ? 'two' : 'one';
    settled = undefined;
    const started = performance.now();
    await post(server, '/models/activate', { id });
    changes.push(performance.now() - started);
    settled = { id };
    const rssMb = await memoryOf(server.pid);
    if (rssMb === null) hasMemory = false;
    else memory.push(rssMb);
  }
  done = true;
  await Promise.all(load);
  return { seen, changes, memory: hasMemory ? memory : null };
}

/** The bundle that answered. Throws where the reply is not what that bundle would give. */
async function ask(server: ServerProcess, question: string, answers: boolean): Promise<string> {
  if (answers) {
    const { bundleId, usedFallback } = await post<{ bundleId: string; usedFallback: boolean }>(
      server,
      '/answer',
      { question },
    );
    if (usedFallback) throw new Error(`the fallback answered '${question.slice(0, 50)}'`);
    return bundleId;
  }
  const { bundleId, passages } = await post<{ bundleId: Id; passages: unknown[] }>(server, '/retrieve', {
    query: question,
  });
  if (passages.length !== topK[bundleId])
    throw new Error(`'${bundleId}' returned ${passages.length} passages`);
  return bundleId;
}

async function post<T>({ port }: ServerProcess, path: string, body: object): Promise<T> {
  const reply = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
    body: JSON.stringify(body),
  });
  if (reply.status !== 200) throw new Error(`${path} answered ${reply.status}: ${await reply.text()}`);
  return (await reply.json()) as T;
}

/** Of the server and its one engine, once the old engine has ended; null where there is no `/proc`. */
async function memoryOf(pid: number): Promise<number | null> {
  for (;;) {
    const tree = await treeMemory(pid);
    if (tree === null) return null;
    if (tree.processes === 2) return tree.rssMb;
    await sleep(5);
  }
}
