/**
 * Runs a job that has come due: waits for its turn, runs the pipeline, again where it failed and may, and writes down
 * what came of it. One run at a time over all jobs, and over all processes with the same history: a lock sees to it,
 * which a job keeps until its last attempt is over.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.js';
import { readRunOf } from '../../shared/training-run/read-runs.js';
import { newRunId } from '../../shared/training-run/run-id.js';
import type { RunRecord } from '../../shared/training-run/run-record.js';
import type { TrainProgram } from '../../shared/training-run/train-program.js';
import { type HeartbeatLock, takeHeartbeatLock } from './heartbeat-lock.js';
import { addToHistory, type HistoryEntry } from './history.js';
import { printedLog, runLockName } from './history-folder.js';
import { pause } from './pause.js';
import { failureText, recoverLost } from './recover-lost.js';
import { type AttemptEnd, runAttempt } from './run-attempt.js';
import type { ScheduledJob } from './scheduled-job.js';
import { tellWebhook } from './webhook.js';

/** What a worker thread is told; it can be sent to one. */
export interface RunOrder {
  /** Of the entry, and of its first run. */
  id: string;
  job: ScheduledJob;
  trigger: HistoryEntry['trigger'];
  dueAt: string;
  /** Folder of the history. */
  history: string;
  stopGraceMs: number;
  program: TrainProgram;
}

export interface RunDeps {
  clock: Clock;
  now: () => Date;
  random: () => number;
  signal: AbortSignal;
  log: (line: string) => void;
  fetch?: typeof globalThis.fetch;
}

/** The entry of the history, as it is at the end. */
export async function runScheduled(order: RunOrder, deps: RunDeps): Promise<HistoryEntry> {
  const run = new ScheduledRun(order, deps);
  const entry = await run.all();
  const { webhook } = order.job;
  if (webhook) await tellWebhook(webhook, entry, deps);
  return entry;
}

class ScheduledRun {
  readonly #order: RunOrder;
  readonly #deps: RunDeps;
  /** Aborted when the schedule stops, and when the lock is lost. */
  readonly #stop: AbortSignal;
  readonly #lockLost = new AbortController();
  #entry: HistoryEntry;

  constructor(order: RunOrder, deps: RunDeps) {
    this.#order = order;
    this.#deps = deps;
    this.#stop = AbortSignal.any([deps.signal, this.#lockLost.signal]);
    this.#entry = {
      ...{
        id: order.id,
        job: order.job.name,
        trigger: order.trigger,
        dueAt: order.dueAt,
        out: order.job.out,
      },
      ...{ startedAt: null, endedAt: null, durationMs: null, status: 'skipped', attempts: 0 },
      ...{ runId: null, log: null, process: null, outcome: null, bundleId: null, error: null },
    };
  }

  async all(): Promise<HistoryEntry> {
    const { job, history, stopGraceMs } = this.#order;
    await mkdir(history, { recursive: true });
    const lock = await this.#turn();
    if (typeof lock === 'string') {
      this.#deps.log(`${job.name}: left out, because ${lock}`);
      return this.#write({ outcome: `left out: ${lock}`, endedAt: this.#now() });
    }
    try {
      await recoverLost(history, { ...this.#deps, stopGraceMs });
      return await this.#attempts();
    } finally {
      await lock.release();
    }
  }

  /** The lock, or why there is none. */
  async #turn(): Promise<HeartbeatLock | string> {
    const { job, history, id } = this.#order;
    const { clock, now, log } = this.#deps;
    const onLost = (message: string): void => this.#lockLost.abort(new Error(message));
    for (let round = 0; ; round++) {
      const lock = await takeHeartbeatLock(join(history, runLockName), { purpose: id, clock, now, onLost });
      if ('release' in lock) return lock;
      const what = `run ${lock.purpose} of process ${lock.pid} is at work`;
      if (job.overlap === 'skip') return what;
      if (round === 0) log(`${job.name}: waits, because ${what}`);
      await pause(clock, lookEveryMs, this.#stop);
      if (this.#stop.aborted) return 'the schedule was stopped before its turn';
    }
  }

  async #attempts(): Promise<HistoryEntry> {
    const { retry, name } = this.#order.job;
    for (let attempt = 1; ; attempt++) {
      const end = await this.#attempt(attempt);
      const { status } = end;
      const mayRetry = status === 'failed' && attempt < retry.attempts && !this.#stop.aborted;
      if (mayRetry) {
        const delayMs = Math.min(retry.delayMs * retry.factor ** (attempt - 1), longestDelayMs);
        const again = `attempt ${attempt} of ${retry.attempts} failed, again in ${delayMs / 1_000} s`;
        this.#deps.log(`${name}: ${again} (${end.error})`);
        await this.#write({ ...end, status: 'running', error: `${again}: ${end.error}` });
        await pause(this.#deps.clock, delayMs, this.#stop);
        if (!this.#stop.aborted) continue;
      }
      const endedAt = this.#now();
      const durationMs = Date.parse(endedAt) - Date.parse(this.#entry.startedAt ?? endedAt);
      const entry = await this.#write({ ...end, endedAt, durationMs });
      this.#deps.log(`${name}: ${entry.status} after ${(durationMs / 1_000).toFixed(1)} s${wordsOf(entry)}`);
      return entry;
    }
  }

  async #attempt(attempt: number): Promise<Partial<HistoryEntry> & Pick<HistoryEntry, 'status' | 'error'>> {
    const { job, id, history, program, stopGraceMs } = this.#order;
    const { clock, now, random, log } = this.#deps;
    const runId = attempt === 1 ? id : newRunId(now(), random);
    const path = printedLog(history, runId);
    const end = await runAttempt({
      ...{ program, log: path, clock, stopGraceMs, timeoutMs: job.timeoutMs, signal: this.#stop },
      arguments: [
        ...['train', 'run', job.pipeline, '--out', job.out],
        ...['--run-id', runId, '--trigger', 'schedule'],
      ],
      onStart: async (process) => {
        log(`${job.name}: run ${runId} begins (process ${process.pid}, log ${path})`);
        await this.#write({
          ...{ status: 'running', startedAt: this.#entry.startedAt ?? this.#now(), attempts: attempt },
          ...{ runId, log: path, process, error: null },
        });
      },
    });
    const found = await readRunOf({ pipelineFolder: job.out, runId }, now());
    const record = found?.record ?? null;
    const result = await this.#resultOf(end, record, path);
    return {
      ...{ runId, log: path, process: null, attempts: attempt },
      ...{ outcome: record?.outcome ?? null, bundleId: record?.bundleId ?? null },
      ...result,
    };
  }

  async #resultOf(
    { exitCode, how, timedOut }: AttemptEnd,
    record: RunRecord | null,
    log: string,
  ): Promise<Pick<HistoryEntry, 'status' | 'error'>> {
    if (exitCode === 0)
      return { status: record?.status === 'published' ? 'published' : 'finished', error: null };
    if (exitCode === 3) return { status: 'rejected', error: null };
    if (this.#stop.aborted) {
      const why = this.#lockLost.signal.aborted
        ? this.#lockLost.signal.reason.message
        : 'the schedule was stopped';
      return { status: 'interrupted', error: why };
    }
    if (timedOut) {
      const seconds = (this.#order.job.timeoutMs ?? 0) / 1_000;
      return { status: 'failed', error: `it took longer than ${seconds} s, and ${how}` };
    }
    if (exitCode === 130) return { status: 'interrupted', error: 'it was stopped from outside' };
    const failure = record ? failureText(record) : null;
    const said = exitCode === null ? '' : await lastLine(log);
    return { status: 'failed', error: failure ?? (said || how) };
  }

  async #write(change: Partial<HistoryEntry>): Promise<HistoryEntry> {
    this.#entry = { ...this.#entry, ...change };
    await addToHistory(this.#order.history, this.#entry);
    return this.#entry;
  }

  #now(): string {
    return this.#deps.now().toISOString();
  }
}

const lookEveryMs = 1_000;
const longestDelayMs = 24 * 3_600_000;

function wordsOf({ outcome, error }: HistoryEntry): string {
  const words = error ?? outcome;
  return words === null ? '' : `: ${words}`;
}

/** Of what the run has printed: where it ended without a record, that says why. */
async function lastLine(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trim().split('\n').at(-1)?.trim().slice(0, 1_000) ?? '';
}
