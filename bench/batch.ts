/**
 * The question file through HTTP on the compiled server: rate, time to the first row, event-loop delay of the API
 * process meanwhile, memory of API and engine.
 *
 * Measured with the answer cache off (`HAETAE_CACHE_MAX=0`), so every question is worked on every time; what the
 * engine itself keeps (analysed words, tokenised passages) is warm after the first pass, as it is in use. The
 * first pass on a fresh server is reported too, and so is the repeat with the cache on.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { classify } from '../shared/question/classify.js';
import { parseQuestionFile, type QuestionRow } from '../shared/question/question-file.js';
import { loopDelay } from './loop-delay.js';
import { median, treeMemory } from './measure.js';
import type { BenchOptions, PartReport } from './report.js';
import { type ServerProcess, startServerProcess } from './server-process.js';
import { packagePath } from './workload.js';

interface Posted {
  text: string;
  seconds: number;
  firstRowMs: number;
}

interface DetailedRow {
  id: string;
  answer: string;
  usedFallback: boolean;
  errorMessage?: string;
}

export async function benchBatch({ quick, environment }: BenchOptions): Promise<PartReport> {
  const whole = await readFile(packagePath('data/questions/test.csv'));
  const { rows } = await parseQuestionFile(whole, { maxRows: 100_000 });
  const repeats = quick ? 1 : 5;
  const folder = await mkdtemp(join(tmpdir(), 'haetae-bench-'));
  const probe = join(folder, 'delay');
  const nodeOptions = [`--import=${pathToFileURL(packagePath('bench/loop-delay-probe.js')).href}`];
  const uncached = { ...environment, HAETAE_CACHE_MAX: '0', HAETAE_BENCH_PROBE: probe };
  try {
    const measured = await withServer({ environment: uncached, nodeOptions }, async (server) => {
      const cold = await post(server, whole, 'text/csv');
      checkRows(rows, await post(server, whole, 'application/x-ndjson'));
      await loopDelay(server, probe);
      const runs: Posted[] = [];
      for (let i = 0; i < repeats; i++) runs.push(await post(server, whole, 'text/csv'));
      const delay = await loopDelay(server, probe);
      if (runs.some(({ text }) => text !== cold.text))
        throw new Error('the server is disqualified: the same file got different answers');
      return { cold, runs, delay, memory: await treeMemory(server.pid) };
    });
    const cached = await withServer({ environment }, async (server) => {
      await post(server, whole, 'text/csv');
      return post(server, whole, 'text/csv');
    });
    const seconds = median(measured.runs.map((run) => run.seconds));
    const { cold, delay, memory } = measured;
    const noMemory = memory === null ? { note: 'needs /proc' } : {};
    return {
      figures: [
        { key: 'batchSeconds', value: seconds, budget: { atMost: 5 } },
        { key: 'batchQuestionsPerSecond', value: rows.length / seconds },
        { key: 'batchFirstRowMs', value: median(measured.runs.map((run) => run.firstRowMs)) },
        { key: 'batchColdSeconds', value: cold.seconds, note: 'first file on a server that just got ready' },
        { key: 'batchCachedSeconds', value: cached.seconds, note: 'the file once more, answer cache on' },
        { key: 'loopDelayP99Ms', value: delay.p99Ms, budget: { atMost: 20 }, note: 'API process' },
        { key: 'loopDelayMaxMs', value: delay.maxMs },
        {
          key: 'rssMb',
          value: memory?.rssMb ?? null,
          note: 'API and engine, after the batches',
          ...noMemory,
        },
        { key: 'peakRssMb', value: memory?.peakMb ?? null, ...noMemory },
      ],
      notes: [
        `${rows.length} questions, median of ${repeats} passes after two; ${memory?.processes ?? '?'} processes; ${delay.count} samples of loop delay`,
      ],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function withServer<T>(
  options: Parameters<typeof startServerProcess>[0],
  work: (server: ServerProcess) => Promise<T>,
): Promise<T> {
  const server = await startServerProcess(options);
  try {
    await server.waitFor('/readyz');
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** Posts the file; the clock runs from the request to the last byte. */
function post({ port }: ServerProcess, body: Uint8Array, accept: string): Promise<Posted> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const headers = { 'content-type': 'text/csv', 'content-length': body.length, accept };
    const call = request({ host: '127.0.0.1', port, path: '/batch', method: 'POST', headers }, (response) => {
      let text = '';
      let firstRowMs = Number.NaN;
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
        // the header of the CSV may come alone; a row is what follows it
        const rowAt = accept === 'text/csv' ? text.indexOf('\n') + 1 : 0;
        if (Number.isNaN(firstRowMs) && text.indexOf('\n', rowAt) >= 0)
          firstRowMs = performance.now() - started;
      });
      response.once('error', reject);
      response.once('end', () => {
        if (response.statusCode === 200)
          resolve({ text, firstRowMs, seconds: (performance.now() - started) / 1000 });
        else reject(new Error(`/batch answered ${response.statusCode}: ${text.slice(0, 300)}`));
      });
    });
    call.once('error', reject);
    call.end(body);
  });
}

/** One row a question, in order, each answered by the engine with a choice that there is. */
function checkRows(questions: readonly QuestionRow[], { text }: Posted): void {
  const rows = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as DetailedRow);
  const wrong = (why: string) => new Error(`the server is disqualified: ${why}`);
  if (rows.length !== questions.length) throw wrong(`${rows.length} rows for ${questions.length} questions`);
  for (const [i, { id, question }] of questions.entries()) {
    const row = rows[i] as DetailedRow;
    if (row.id !== id) throw wrong(`row ${i + 1} is ${row.id} instead of ${id}`);
    if (row.usedFallback || row.errorMessage !== undefined)
      throw wrong(`${id} was answered by the fallback: ${row.errorMessage ?? ''}`);
    const { questionType, choices } = classify(question);
    const fits =
      questionType === 'open'
        ? row.answer.trim() !== ''
        : choices.some(({ number }) => String(number) === row.answer);
    if (!fits) throw wrong(`${id} got the answer '${row.answer}'`);
  }
}
