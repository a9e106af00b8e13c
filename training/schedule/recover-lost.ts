/**
 * Settles the entries of runs whose scheduler was killed: such a run says `running`, and nobody holds the lock for it.
 *
 * Its own process may live on: it is stopped, so that never two runs are at work, and the next run of the pipeline goes
 * on from where it was. What it has finished by itself is written down as it is.
 */
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.js';
import { isAlive, type ProcessIdentity } from '../../shared/training-run/process-identity.js';
import { readRunOf } from '../../shared/training-run/read-runs.js';
import type { RunRecord } from '../../shared/training-run/run-record.js';
import { lockHolder } from './heartbeat-lock.js';
import { addToHistory, type HistoryEntry, readHistory } from './history.js';
import { runLockName } from './history-folder.js';
import { pause } from './pause.js';

export interface RecoverDeps {
  clock: Clock;
  now: () => Date;
  stopGraceMs: number;
  log: (line: string) => void;
}

/** The entries as they are now. @param lost ids of runs that are known to be lost, whatever their lock says */
export async function recoverLost(
  history: string,
  deps: RecoverDeps,
  lost: ReadonlySet<string> = new Set(),
): Promise<HistoryEntry[]> {
  const running = (await readHistory(history)).entries.filter(({ status }) => status === 'running');
  const settled: HistoryEntry[] = [];
  for (const entry of running) {
    const holder = await lockHolder(join(history, runLockName), deps.now());
    if (holder?.purpose === entry.id && !lost.has(entry.id)) continue;
    if (entry.process) await end(entry.process, deps);
    const result = await settle(entry, deps.now());
    await addToHistory(history, result);
    deps.log(`${entry.job}: run ${entry.runId} was left by a scheduler that is gone: ${result.status}`);
    settled.push(result);
  }
  return settled;
}

/** Asks the process to stop, and kills it when it does not. */
async function end(identity: ProcessIdentity, { clock, stopGraceMs }: RecoverDeps): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    for (let waited = 0; waited <= stopGraceMs && (await isAlive(identity)); waited += lookEveryMs) {
      if (waited === 0) kill(identity.pid, signal);
      await pause(clock, lookEveryMs, never);
    }
  }
}

const lookEveryMs = 100;
const never = new AbortController().signal;

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended, or is another user's: then it can only be waited for.
  }
}

const ends: readonly string[] = ['published', 'finished', 'rejected', 'failed'];

async function settle(entry: HistoryEntry, now: Date): Promise<HistoryEntry> {
  const found =
    entry.runId === null ? null : await readRunOf({ pipelineFolder: entry.out, runId: entry.runId }, now);
  const record = found?.record;
  const finished = record !== undefined && ends.includes(record.status);
  const endedAt = (finished ? record.finishedAt : null) ?? now.toISOString();
  return {
    ...entry,
    ...{ process: null, endedAt, status: finished ? record.status : 'interrupted' },
    durationMs: entry.startedAt === null ? null : Date.parse(endedAt) - Date.parse(entry.startedAt),
    ...{ outcome: record?.outcome ?? null, bundleId: record?.bundleId ?? null },
    error: finished ? failureText(record) : 'The scheduler was gone while it ran.',
  };
}

/** What of a record says why it failed. */
export function failureText({ error }: Pick<RunRecord, 'error'>): string | null {
  return error === null ? null : `${error.code}: ${error.message}`;
}
