/**
 * Bree with one run at a time, and cron by the wall clock of any time zone.
 *
 * Bree keeps intervals, starts a worker thread for a job (`run-job.ts`), and asks it to stop ('cancel'); a worker ends by
 * itself and is never terminated. What comes due goes through a queue first. Bree's own cron converts times with the
 * offset that a zone has now, which is an hour off for what lies behind a change to or from summer time; so cron is
 * timed here, by `nextTime`.
 */
import Bree from 'bree';
import type { Worker, WorkerOptions } from 'node:worker_threads';
import type { Clock } from '../../shared/clock.js';
import { entryPoint } from '../../shared/entry-point.js';
import { newRunId } from '../../shared/training-run/run-id.js';
import type { TrainProgram } from '../../shared/training-run/train-program.js';
import { nextTime } from './cron.js';
import { type Due, RunQueue } from './run-queue.js';
import type { RunOrder } from './run-scheduled.js';
import type { Schedule, ScheduledJob } from './scheduled-job.js';
import { startWorker } from './start-worker.js';

export interface ScheduleBreeOptions {
  schedule: Schedule;
  program: TrainProgram;
  clock: Clock;
  now: () => Date;
  random: () => number;
  log: (line: string) => void;
  /** A job was left out, because another was at work. */
  onSkip: (due: Due, why: string) => Promise<void>;
  /** A worker has ended without settling its run, whose id is given. */
  onCrash: (id: string) => Promise<void>;
}

/** The wall clock may be set, and a machine may sleep: looked at this often. */
const lookEveryMs = 60_000;

export class ScheduleBree extends Bree {
  readonly #options: ScheduleBreeOptions;
  readonly #queue: RunQueue;
  /** What ends the waiting for the next time of a job with cron. */
  readonly #armed = new Map<string, () => void>();
  readonly #begun = new Set<string>();
  #crashed = false;
  /** Id of the run at work. */
  #runId = '';

  constructor(options: ScheduleBreeOptions) {
    const path = entryPoint(import.meta.url, './run-job');
    super({
      ...{ root: false, timeout: false, logger: false },
      jobs: options.schedule.jobs.map(({ name, intervalMs, runOnStart }) => ({
        ...{ name, path, timeout: runOnStart ? 0 : false },
        ...(intervalMs === null ? {} : { interval: intervalMs }),
      })),
      errorHandler: (error, { name }) => {
        this.#crashed = true;
        options.log(`${name}: ${error.message}`);
      },
    });
    this.#options = options;
    this.#queue = new RunQueue({
      start: (due) =>
        void this.#startWorker(due).catch((error: unknown) => options.log(`${due.job.name}: ${error}`)),
      skip: (due, { job }) =>
        void options
          .onSkip(due, `job ${job.name} is at work`)
          .catch((error: unknown) => options.log(`${due.job.name}: ${error}`)),
    });
    this.on('worker deleted', () => void this.#ended());
  }

  /** By Bree's timers, for intervals and the start. */
  override async run(name?: string): Promise<void> {
    const job = this.#job(name);
    if (!job) return;
    const first = job.runOnStart && !this.#begun.has(job.name);
    this.#begun.add(job.name);
    this.#queue.due({ job, trigger: first ? 'start' : 'interval', at: this.#options.now() });
  }

  override async start(): Promise<void> {
    await this.init();
    for (const job of this.#options.schedule.jobs) {
      this.#arm(job);
      if (job.runOnStart || job.intervalMs !== null) await super.start(job.name);
    }
  }

  /** Resolves when no run is at work any more. */
  override async stop(): Promise<void> {
    for (const cancel of this.#armed.values()) cancel();
    const why = 'the schedule was stopped before its turn';
    await Promise.all(this.#queue.close().map((due) => this.#options.onSkip(due, why)));
    for (const { name } of this.#options.schedule.jobs) await super.stop(name);
  }

  /** The path is ours; Bree would take one with a '+' or a '#' for code. */
  override createWorker(_: string, options: WorkerOptions): Worker {
    return startWorker(entryPoint(import.meta.url, './run-job'), options);
  }

  async #startWorker({ job, trigger, at }: Due): Promise<void> {
    const { schedule, program, now, random } = this.#options;
    this.#runId = newRunId(now(), random);
    const order: RunOrder = {
      ...{ id: this.#runId, job, trigger, dueAt: at.toISOString(), program },
      ...{ history: schedule.history, stopGraceMs: schedule.stopGraceMs },
    };
    const known = this.config.jobs.find(({ name }) => name === job.name);
    if (known) known.worker = { workerData: order };
    await super.run(job.name);
  }

  async #ended(): Promise<void> {
    if (this.#crashed) {
      this.#crashed = false;
      await this.#options.onCrash(this.#runId);
    }
    this.#queue.ended();
  }

  #arm(job: ScheduledJob): void {
    const { clock, now } = this.#options;
    const next = job.cron === null ? null : nextTime(job.cron, job.timeZone, now());
    if (next === null) return;
    const wait = (): void => {
      const left = next.getTime() - now().getTime();
      const cancel = clock.after(Math.min(left, lookEveryMs), () => {
        if (now() < next) return wait();
        this.#arm(job);
        this.#queue.due({ job, trigger: 'cron', at: next });
      });
      this.#armed.set(job.name, cancel);
    };
    wait();
  }

  #job(name: string | undefined): ScheduledJob | undefined {
    return this.#options.schedule.jobs.find((job) => job.name === name);
  }
}
