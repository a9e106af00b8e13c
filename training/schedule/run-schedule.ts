/** What `haetae schedule CONFIG` does until it is stopped: waits for the clock, and runs what comes due. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../shared/clock.js';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { newRunId } from '../../shared/training-run/run-id.js';
import { ownCommandLine, type TrainProgram } from '../../shared/training-run/train-program.js';
import { type HeartbeatLock, takeHeartbeatLock } from './heartbeat-lock.js';
import { addToHistory, type HistoryEntry } from './history.js';
import { scheduleLockName } from './history-folder.js';
import { recoverLost } from './recover-lost.js';
import type { Due } from './run-queue.js';
import { type RunDeps, runScheduled } from './run-scheduled.js';
import { ScheduleBree } from './schedule-bree.js';
import type { Schedule, ScheduledJob } from './scheduled-job.js';
import { tellWebhook } from './webhook.js';

export interface ScheduleOptions {
  schedule: Schedule;
  /** Stops it: a run at work is asked to stop, and waited for. */
  signal: AbortSignal;
  log: (line: string) => void;
  /** Default: this program's command line. */
  program?: TrainProgram;
  clock?: Clock;
  now?: () => Date;
  random?: () => number;
}

/** @throws HaetaeError TRAINING_RUNNING where another process waits for the same clock */
export async function runSchedule(options: ScheduleOptions): Promise<void> {
  const { schedule, signal, log, program = ownCommandLine() } = options;
  const { clock = systemClock, now = () => new Date(), random = Math.random } = options;
  const deps: RunDeps = { clock, now, random, signal, log };
  const ended = new AbortController();
  await mkdir(schedule.history, { recursive: true });
  const lock = await lockSchedule(schedule.history, { clock, now }, (message) => {
    log(message);
    ended.abort(new Error(message));
  });
  const recover = async (lost?: ReadonlySet<string>): Promise<void> => {
    const entries = await recoverLost(schedule.history, { ...deps, stopGraceMs: schedule.stopGraceMs }, lost);
    for (const entry of entries) await tell(schedule.jobs, entry, deps);
  };
  const bree = new ScheduleBree({
    ...{ schedule, program, clock, now, random, log },
    onSkip: (due, why) => writeSkipped(schedule, due, why, deps),
    onCrash: (id) => recover(new Set([id])).catch((error: unknown) => log(messageOf(error))),
  });
  try {
    await recover();
    if (!signal.aborted) await bree.start();
    for (const { name, when } of schedule.jobs) log(`${name}: ${when}`);
    await aborted(AbortSignal.any([signal, ended.signal]));
    log('stopping');
    await bree.stop();
  } finally {
    await lock.release();
  }
  if (ended.signal.aborted) throw new HaetaeError('TRAINING_RUNNING', messageOf(ended.signal.reason));
}

/** One job, now. @throws HaetaeError USAGE where there is none of this name */
export async function runJobNow(options: ScheduleOptions, name: string): Promise<HistoryEntry> {
  const { schedule, program = ownCommandLine(), signal, log } = options;
  const { clock = systemClock, now = () => new Date(), random = Math.random } = options;
  const job = schedule.jobs.find((each) => each.name === name);
  if (!job) {
    const names = schedule.jobs.map((each) => each.name).join(', ');
    throw new HaetaeError('USAGE', `There is no job ${name} in this schedule; it has ${names}.`);
  }
  return runScheduled(
    {
      ...{ id: newRunId(now(), random), job, trigger: 'command', dueAt: now().toISOString(), program },
      ...{ history: schedule.history, stopGraceMs: schedule.stopGraceMs },
    },
    { clock, now, random, signal, log },
  );
}

async function lockSchedule(
  history: string,
  time: { clock: Clock; now: () => Date },
  onLost: (message: string) => void,
): Promise<HeartbeatLock> {
  const lock = await takeHeartbeatLock(join(history, scheduleLockName), {
    purpose: 'schedule',
    ...time,
    onLost,
  });
  if ('release' in lock) return lock;
  throw new HaetaeError(
    'TRAINING_RUNNING',
    `Process ${lock.pid} on ${lock.host} runs a schedule with the history ${history}. Stop it, or give another folder as history.`,
    { pid: lock.pid },
  );
}

async function writeSkipped(
  { history, jobs }: Schedule,
  due: Due,
  why: string,
  deps: RunDeps,
): Promise<void> {
  const { job, trigger, at } = due;
  deps.log(`${job.name}: left out, because ${why}`);
  const entry: HistoryEntry = {
    ...{
      id: newRunId(deps.now(), deps.random),
      job: job.name,
      trigger,
      dueAt: at.toISOString(),
      out: job.out,
    },
    ...{
      startedAt: null,
      endedAt: deps.now().toISOString(),
      durationMs: null,
      status: 'skipped',
      attempts: 0,
    },
    ...{ runId: null, log: null, process: null, outcome: `left out: ${why}`, bundleId: null, error: null },
  };
  await addToHistory(history, entry);
  await tell(jobs, entry, deps);
}

async function tell(jobs: readonly ScheduledJob[], entry: HistoryEntry, deps: RunDeps): Promise<void> {
  const webhook = jobs.find(({ name }) => name === entry.job)?.webhook;
  if (webhook) await tellWebhook(webhook, entry, deps);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
