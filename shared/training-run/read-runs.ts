/**
 * Reads what runs of pipelines say of themselves: `<trainingDir>/<pipeline>/runs/<runId>/run.json`.
 *
 * A run that was killed leaves a record that says `running`. It is given as `interrupted`, with `stale: true`, when its
 * last heartbeat is older than a minute and no living process with its id holds the lock of the pipeline. Both are
 * asked for, because the process of a run on another machine cannot be seen from here, but its heartbeat can.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Compile } from 'typebox/compile';
import { lockOwner, pipelineLockName } from './process-lock.js';
import { isRunId } from './run-id.js';
import { RunRecord, runFileName } from './run-record.js';

export interface FoundRun {
  record: RunRecord;
  /** The record says `running`, but the run is gone; `record.status` is `interrupted`. */
  stale: boolean;
  /** Folder of the run. */
  folder: string;
  /** Output folder of its pipeline. */
  pipelineFolder: string;
}

export interface FoundRuns {
  runs: FoundRun[];
  /** Records that could not be read, among those that were looked at. */
  unreadable: number;
}

export interface RunQuery {
  limit: number;
  pipeline?: string | undefined;
  status?: string | undefined;
}

/** Silence after which a run is held for dead if its process is. */
export const staleAfterMs = 60_000;

/** Newest first; reads no further than `limit` asks for. */
export async function readRuns(trainingDir: string, query: RunQuery, now: Date): Promise<FoundRuns> {
  const found: FoundRuns = { runs: [], unreadable: 0 };
  for (const place of await runFolders(trainingDir)) {
    if (found.runs.length >= query.limit) break;
    const run = await readRunOf(place, now);
    if (run === null) found.unreadable += 1;
    else if (
      (query.pipeline === undefined || run.record.pipeline === query.pipeline) &&
      (query.status === undefined || run.record.status === query.status)
    )
      found.runs.push(run);
  }
  return found;
}

/** The run with this id; null where there is none, or its record cannot be read. */
export async function readRun(trainingDir: string, runId: string, now: Date): Promise<FoundRun | null> {
  if (!isRunId(runId)) return null;
  for (const pipeline of await foldersIn(trainingDir)) {
    const run = await readRunOf({ pipelineFolder: join(trainingDir, pipeline), runId }, now);
    if (run) return run;
  }
  return null;
}

export interface RunPlace {
  /** Output folder of the pipeline. */
  pipelineFolder: string;
  runId: string;
}

async function runFolders(trainingDir: string): Promise<RunPlace[]> {
  const places = await Promise.all(
    (await foldersIn(trainingDir)).map(async (name) => {
      const pipelineFolder = join(trainingDir, name);
      const ids = (await foldersIn(join(pipelineFolder, 'runs'))).filter(isRunId);
      return ids.map((runId) => ({ pipelineFolder, runId }));
    }),
  );
  return places.flat().sort((a, b) => (a.runId < b.runId ? 1 : -1));
}

async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

const record = Compile(RunRecord);

/** The run at a known place; null where there is none, or its record cannot be read. */
export async function readRunOf({ pipelineFolder, runId }: RunPlace, now: Date): Promise<FoundRun | null> {
  const folder = join(pipelineFolder, 'runs', runId);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(join(folder, runFileName), 'utf8'));
  } catch {
    return null;
  }
  if (!record.Check(value) || value.runId !== runId) return null;
  const stale = await isStale(value, pipelineFolder, now);
  return { record: stale ? { ...value, status: 'interrupted' } : value, stale, folder, pipelineFolder };
}

async function isStale(
  { status, heartbeatAt, pid }: RunRecord,
  pipelineFolder: string,
  now: Date,
): Promise<boolean> {
  // Written so that a time that cannot be read is old.
  if (status !== 'running' || now.getTime() - Date.parse(heartbeatAt) <= staleAfterMs) return false;
  return (await lockOwner(join(pipelineFolder, pipelineLockName)))?.pid !== pid;
}
