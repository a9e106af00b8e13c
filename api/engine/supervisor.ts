/**
 * Keeps one warm engine: starts it, restarts it, swaps it, and queues requests for it.
 *
 *   - A crashed or hung engine is replaced after a back-off of `backoffMs · 2^(failures − 1)`, at most
 *     `maxBackoffMs`; the count returns to 0 once an engine has stayed up for `stableMs`.
 *   - A request in flight at a crash is run once more, and alone: if it brings the next engine down too, it is
 *     the culprit and is rejected with `ENGINE_CRASHED`, and the others that were in flight with it are not.
 *   - A request waits for a starting engine at most `startWaitMs`, and not at all for one that could not
 *     start `failuresUntilDown` times in a row: then it is rejected with `ENGINE_UNAVAILABLE`.
 *   - At most `maxInFlight` requests are inside the engine and `maxQueued` wait; more are `ENGINE_BUSY`.
 *   - `reload` is blue/green: a second engine loads the new bundle; only when it is ready do new requests go
 *     to it; the old one finishes what it has and ends. If the new one does not come up, nothing changes.
 */
import type { AnswerOptions, AnswerResult } from '../../shared/answering/answer.js';
import type { LoadOptions } from '../../shared/bundle/runtime.js';
import type { Clock } from '../../shared/clock.js';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import type { Retrieval, RetrieveOptions } from '../../shared/retrieval/retriever.js';
import type { Engine, EngineHealth } from './engine.js';
import { EngineClient } from './engine-client.js';
import type { Op, Operations, Request } from './protocol.js';

export interface SupervisorLimits {
  maxInFlight: number;
  maxQueued: number;
  startTimeoutMs: number;
  startWaitMs: number;
  heartbeatMs: number;
  hangMs: number;
  backoffMs: number;
  maxBackoffMs: number;
  stableMs: number;
  failuresUntilDown: number;
  drainMs: number;
}

export const defaultSupervisorLimits: SupervisorLimits = {
  maxInFlight: 4,
  maxQueued: 256,
  startTimeoutMs: 120_000,
  startWaitMs: 30_000,
  heartbeatMs: 2_000,
  hangMs: 10_000,
  backoffMs: 100,
  maxBackoffMs: 15_000,
  stableMs: 30_000,
  failuresUntilDown: 3,
  drainMs: 30_000,
};

export interface SupervisorLog {
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  error(data: object, message: string): void;
}

export interface SupervisorOptions {
  /** Absolute path of the engine program. */
  entry: string;
  load: LoadOptions;
  clock: Clock;
  log: SupervisorLog;
  limits?: Partial<SupervisorLimits>;
}

interface Job {
  request: Request;
  signal: AbortSignal | undefined;
  /** Engines that ended while they worked on it. */
  crashes: number;
  resolve: (value: Operations[Op]['value']) => void;
  reject: (error: unknown) => void;
  /** Forgets the waiting-time limit and the abort listener. */
  release: () => void;
}

export class Supervisor implements Engine {
  readonly #options: SupervisorOptions;
  readonly #limits: SupervisorLimits;
  #load: LoadOptions;
  /** The engine that new requests go to; undefined while there is none that is ready. */
  #serving: EngineClient | undefined;
  #info: EngineHealth['info'] = null;
  /** Every engine process that has not ended, the serving one included. */
  readonly #clients = new Set<EngineClient>();
  #queue: Job[] = [];
  /** True while a request that has seen a crash runs alone. */
  #quarantine = false;
  /** Ends and failed starts since an engine was last stable: what the back-off grows with. */
  #failures = 0;
  /** Failed starts since an engine was last ready. */
  #failedStarts = 0;
  #crashes = 0;
  #lastFailure: string | null = null;
  #stopped = false;
  #cancelRestart: () => void = () => undefined;
  #cancelStable: () => void = () => undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#load = options.load;
    this.#limits = { ...defaultSupervisorLimits, ...options.limits };
  }

  get bundleId(): string | undefined {
    return this.#serving === undefined ? undefined : this.#info?.bundleId;
  }

  health(): EngineHealth {
    return {
      state: this.#state(),
      info: this.#info,
      crashes: this.#crashes,
      lastFailure: this.#lastFailure,
      queued: this.#queue.length,
      inFlight: this.#serving?.inFlight ?? 0,
      pid: this.#serving?.pid ?? null,
      rssBytes: this.#serving?.rssBytes ?? 0,
    };
  }

  /** Starts the first engine; returns at once. */
  start(): void {
    if (this.#serving === undefined && !this.#stopped) void this.#launch();
  }

  retrieve(query: string, options?: RetrieveOptions, signal?: AbortSignal): Promise<Retrieval> {
    return this.#enqueue<'retrieve'>({ op: 'retrieve', text: query, options }, signal);
  }

  answer(question: string, options?: AnswerOptions, signal?: AbortSignal): Promise<AnswerResult> {
    return this.#enqueue<'answer'>({ op: 'answer', text: question, options }, signal);
  }

  /**
   * Moves to another bundle (default: what `current` says now) without losing a request. Rejects, and leaves
   * everything as it was, if the new engine does not become ready.
   */
  async reload(bundleId?: string): Promise<void> {
    const { bundleId: _, ...rest } = this.#load;
    const load: LoadOptions = bundleId === undefined ? rest : { ...rest, bundleId };
    const fresh = this.#spawn(load);
    const info = await fresh.ready;
    if (this.#stopped) return;
    this.#load = load;
    const old = this.#serving;
    this.#serve(fresh, info);
    this.#options.log.info({ bundleId: info.bundleId, from: old?.pid, to: fresh.pid }, 'engine swapped');
    if (old !== undefined) await this.#retire(old);
  }

  /** Ends every engine; what still waits is rejected. */
  async stop(graceMs = 2_000): Promise<void> {
    this.#stopped = true;
    this.#cancelRestart();
    this.#cancelStable();
    this.#serving = undefined;
    this.#rejectQueue('The server is stopping.');
    await Promise.all([...this.#clients].map((client) => client.stop(graceMs)));
  }

  #state(): EngineHealth['state'] {
    if (this.#stopped) return 'stopped';
    if (this.#serving?.alive) return 'ready';
    return this.#failedStarts >= this.#limits.failuresUntilDown ? 'down' : 'starting';
  }

  #spawn(load: LoadOptions): EngineClient {
    const { entry, clock } = this.#options;
    const { startTimeoutMs, heartbeatMs, hangMs } = this.#limits;
    const client = new EngineClient({ entry, load, clock, startTimeoutMs, heartbeatMs, hangMs });
    this.#clients.add(client);
    void client.exited.then((exit) => {
      this.#clients.delete(client);
      if (client === this.#serving) this.#lost(exit.reason);
    });
    return client;
  }

  async #launch(): Promise<void> {
    const client = this.#spawn(this.#load);
    try {
      const info = await client.ready;
      if (this.#stopped) return;
      if (this.#serving !== undefined) await this.#retire(client);
      else if (client.alive) this.#serve(client, info);
      else this.#startFailed('it ended as soon as it was ready');
    } catch (error) {
      await client.exited;
      if (!this.#stopped && this.#serving === undefined) this.#startFailed(messageOf(error));
    }
  }

  #serve(client: EngineClient, info: NonNullable<EngineHealth['info']>): void {
    this.#cancelRestart();
    this.#cancelStable();
    this.#serving = client;
    this.#info = info;
    this.#failedStarts = 0;
    this.#options.log.info({ enginePid: client.pid, ...info }, 'engine ready');
    this.#cancelStable = this.#options.clock.after(this.#limits.stableMs, () => {
      this.#failures = 0;
    });
    this.#pump();
  }

  #lost(reason: string): void {
    this.#serving = undefined;
    this.#cancelStable();
    if (this.#stopped) return;
    this.#crashes += 1;
    this.#failed(reason);
  }

  #startFailed(reason: string): void {
    this.#failedStarts += 1;
    this.#failed(reason);
    if (this.#state() === 'down') this.#rejectQueue(this.#unavailable());
  }

  #failed(reason: string): void {
    this.#failures += 1;
    this.#lastFailure = reason;
    const { backoffMs, maxBackoffMs } = this.#limits;
    const delayMs = Math.min(maxBackoffMs, backoffMs * 2 ** (this.#failures - 1));
    this.#options.log.error({ reason, failures: this.#failures, restartInMs: delayMs }, 'engine lost');
    this.#cancelRestart = this.#options.clock.after(delayMs, () => void this.#launch());
  }

  /** Lets `client` finish what it has, then ends it. */
  async #retire(client: EngineClient): Promise<void> {
    const { clock } = this.#options;
    const deadline = clock.now() + this.#limits.drainMs;
    while (client.alive && client.inFlight > 0 && clock.now() < deadline) {
      await new Promise<void>((resolve) => clock.after(20, resolve));
    }
    await client.stop(2_000);
  }

  #unavailable(): string {
    return `No engine is running: ${this.#lastFailure ?? 'none has started yet'}. It is being restarted; try again later.`;
  }

  #enqueue<O extends Op>(
    request: Request & { op: O },
    signal?: AbortSignal,
  ): Promise<Operations[O]['value']> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const state = this.#state();
    if (state === 'down' || state === 'stopped') {
      return Promise.reject(new HaetaeError('ENGINE_UNAVAILABLE', this.#unavailable()));
    }
    if (this.#queue.length >= this.#limits.maxQueued) {
      return Promise.reject(
        new HaetaeError(
          'ENGINE_BUSY',
          `${this.#queue.length} requests wait for the engine already. Try again later.`,
        ),
      );
    }
    return new Promise<Operations[O]['value']>((resolve, reject) => {
      const job: Job = {
        request,
        signal,
        crashes: 0,
        resolve: resolve as Job['resolve'],
        reject,
        release: () => undefined,
      };
      this.#wait(job);
      this.#queue.push(job);
      this.#pump();
    });
  }

  /** While `job` waits: its signal takes it out, and so does an engine that does not come up in time. */
  #wait(job: Job): void {
    const leave = (error: unknown) => {
      job.release();
      this.#queue = this.#queue.filter((other) => other !== job);
      job.reject(error);
    };
    const onAbort = () => leave(job.signal?.reason);
    job.signal?.addEventListener('abort', onAbort, { once: true });
    const cancelTimer =
      this.#state() !== 'ready'
        ? this.#options.clock.after(this.#limits.startWaitMs, () => {
            if (this.#state() !== 'ready') leave(new HaetaeError('ENGINE_UNAVAILABLE', this.#unavailable()));
          })
        : () => undefined;
    job.release = () => {
      cancelTimer();
      job.signal?.removeEventListener('abort', onAbort);
      job.release = () => undefined;
    };
  }

  /** Hands waiting requests to the engine, one alone if it has seen a crash. */
  #pump(): void {
    const client = this.#serving;
    while (client?.alive && !this.#quarantine && client.inFlight < this.#limits.maxInFlight) {
      const job = this.#queue[0];
      if (job === undefined) return;
      if (job.crashes > 0) {
        if (client.inFlight > 0) return;
        this.#quarantine = true;
      }
      this.#queue.shift();
      job.release();
      void this.#run(client, job);
    }
  }

  async #run(client: EngineClient, job: Job): Promise<void> {
    const alone = job.crashes > 0;
    try {
      job.resolve(await client.call(job.request, job.signal));
    } catch (error) {
      if (client.alive || job.signal?.aborted || this.#stopped) job.reject(error);
      else this.#retry(job, error);
    } finally {
      if (alone) this.#quarantine = false;
      this.#pump();
    }
  }

  #retry(job: Job, error: unknown): void {
    job.crashes += 1;
    if (job.crashes > 1) {
      job.reject(error);
      return;
    }
    if (this.#state() === 'down') {
      job.reject(new HaetaeError('ENGINE_UNAVAILABLE', this.#unavailable()));
      return;
    }
    this.#options.log.warn(
      { op: job.request.op },
      'request in flight at the loss of an engine runs once more',
    );
    this.#wait(job);
    const firstClean = this.#queue.findIndex((other) => other.crashes === 0);
    this.#queue.splice(firstClean === -1 ? this.#queue.length : firstClean, 0, job);
  }

  #rejectQueue(message: string): void {
    for (const job of this.#queue.splice(0)) {
      job.release();
      job.reject(new HaetaeError('ENGINE_UNAVAILABLE', message));
    }
  }
}
