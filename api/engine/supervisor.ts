/**
 * Keeps one warm engine: starts it, restarts it, swaps it, and queues requests for it.
 *
 *   - A crashed or hung engine is replaced after a back-off of `backoffMs · 2^(failures − 1)`, at most
 *     `maxBackoffMs`; the count returns to 0 once an engine has stayed up for `stableMs`.
 *   - A request in flight at a crash is run once more, and alone: if it brings the next engine down too, it is
 *     the culprit and is rejected with `ENGINE_CRASHED`, and the others that were in flight with it are not.
 *     A stream of which a part was delivered is never run again: it ends with `ENGINE_CRASHED`.
 *   - A request waits for a starting engine at most `startWaitMs`, and not at all for one that could not
 *     start `failuresUntilDown` times in a row: then it is rejected with `ENGINE_UNAVAILABLE`.
 *   - Requests go in three lanes (look-ups, questions, chats), so that long ones do not hold up short ones. In
 *     each, at most so many are inside the engine and `maxQueued` wait; more are `ENGINE_BUSY`.
 *   - `reload` is blue/green: a second engine loads the new bundle; only when it is ready do new requests go
 *     to it; the old one finishes what it has, streams included, and ends. If the new one does not come up,
 *     nothing changes.
 */
import type { AnswerEvent, AnswerOptions, AnswerResult } from '../../shared/answering/answer.js';
import type {
  ChatRequest,
  EmbedResult,
  LoadOptions,
  RerankRequest,
  RerankResult,
} from '../../shared/bundle/runtime.js';
import type { Clock } from '../../shared/clock.js';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import type { GenerateEvent } from '../../shared/lm/language-model.js';
import type { Retrieval, RetrieveOptions } from '../../shared/retrieval/retriever.js';
import type { Engine, EngineHealth } from './engine.js';
import { EngineClient } from './engine-client.js';
import { type Lane, laneNames, laneOf } from './lanes.js';
import { streamOf } from './part-stream.js';
import type { Op, Part, Request, Value } from './protocol.js';
import { defaultSupervisorLimits, type SupervisorLimits } from './supervisor-limits.js';

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
  lane: Lane;
  signal: AbortSignal | undefined;
  onPart: ((part: Part) => void) | undefined;
  /** Whether a part of the reply has gone to who asked. */
  delivered: boolean;
  /** Engines that ended while they worked on it. */
  crashes: number;
  resolve: (value: Value) => void;
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
  /** The request that has seen a crash and runs alone, until its reply begins. */
  #quarantine: Job | undefined;
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
      languageModel: this.#serving?.languageModel ?? null,
    };
  }

  /** Starts the first engine; returns at once. */
  start(): void {
    if (this.#serving === undefined && !this.#stopped) void this.#launch();
  }

  retrieve(query: string, options?: RetrieveOptions, signal?: AbortSignal): Promise<Retrieval> {
    return this.#enqueue<'retrieve'>({ op: 'retrieve', input: { query, options } }, signal);
  }

  answer(
    question: string,
    options?: AnswerOptions,
    signal?: AbortSignal,
    onEvent?: (event: AnswerEvent) => void,
  ): Promise<AnswerResult> {
    const input = { question, options, events: onEvent !== undefined };
    return this.#enqueue<'answer'>({ op: 'answer', input }, signal, onEvent);
  }

  rerank(request: RerankRequest, signal?: AbortSignal): Promise<RerankResult> {
    return this.#enqueue<'rerank'>({ op: 'rerank', input: request }, signal);
  }

  embed(texts: readonly string[], signal?: AbortSignal): Promise<EmbedResult> {
    return this.#enqueue<'embed'>({ op: 'embed', input: { texts } }, signal);
  }

  chat(request: ChatRequest, signal?: AbortSignal): AsyncIterable<GenerateEvent> {
    return streamOf<GenerateEvent>(
      (onPart, cut) => this.#enqueue<'chat'>({ op: 'chat', input: request }, cut, onPart),
      { signal },
    );
  }

  /**
   * Moves to another bundle (default: what `current` says now) without losing a request. Rejects, and leaves
   * everything as it was, if the new engine does not become ready, or `signal` gives it up before it is.
   */
  async reload(bundleId?: string, signal?: AbortSignal): Promise<void> {
    const { bundleId: _, ...rest } = this.#load;
    const load: LoadOptions = bundleId === undefined ? rest : { ...rest, bundleId };
    signal?.throwIfAborted();
    const fresh = this.#spawn(load);
    const giveUp = () => fresh.kill('another bundle is wanted');
    signal?.addEventListener('abort', giveUp, { once: true });
    const info = await fresh.ready;
    signal?.removeEventListener('abort', giveUp);
    signal?.throwIfAborted();
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
    onPart?: (part: Part<O>) => void,
  ): Promise<Value<O>> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const state = this.#state();
    if (state === 'down' || state === 'stopped') {
      return Promise.reject(new HaetaeError('ENGINE_UNAVAILABLE', this.#unavailable()));
    }
    const lane = laneOf[request.op];
    const ahead = this.#queue.filter((job) => job.lane === lane).length;
    if (ahead >= this.#limits.maxQueued) {
      return Promise.reject(
        new HaetaeError('ENGINE_BUSY', `${ahead} requests wait for the engine already. Try again later.`),
      );
    }
    return new Promise<Value<O>>((resolve, reject) => {
      const job: Job = {
        request,
        lane,
        signal,
        onPart: onPart as Job['onPart'],
        delivered: false,
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

  /** Hands waiting requests to the engine as far as their lanes have room. */
  #pump(): void {
    for (;;) {
      const client = this.#serving;
      if (!client?.alive || this.#quarantine !== undefined) return;
      const job = this.#next(client);
      if (job === undefined) return;
      if (job.crashes > 0) this.#quarantine = job;
      this.#queue.splice(this.#queue.indexOf(job), 1);
      job.release();
      void this.#run(client, job);
    }
  }

  /**
   * The request that may go next. Those that have seen a crash stand in front of all others, and go one at a
   * time, while nothing is in the engine that would have to be run once more.
   */
  #next(client: EngineClient): Job | undefined {
    const [first] = this.#queue;
    if (first !== undefined && first.crashes > 0) return client.silent === 0 ? first : undefined;
    const open = laneNames.filter((lane) => client.inFlightIn(lane) < this.#roomIn(lane));
    return this.#queue.find((job) => open.includes(job.lane));
  }

  #roomIn(lane: Lane): number {
    return lane === 'chats' ? this.#limits.maxChats : this.#limits.maxInFlight;
  }

  async #run(client: EngineClient, job: Job): Promise<void> {
    const onPart = (part: Part) => {
      if (!job.delivered) {
        job.delivered = true;
        this.#endQuarantine(job);
      }
      job.onPart?.(part);
    };
    try {
      job.resolve(await client.call(job.request, { signal: job.signal, onPart }));
    } catch (error) {
      if (client.alive || job.delivered || job.signal?.aborted || this.#stopped) job.reject(error);
      else this.#retry(job, error);
    } finally {
      this.#endQuarantine(job);
      this.#pump();
    }
  }

  #endQuarantine(job: Job): void {
    if (this.#quarantine !== job) return;
    this.#quarantine = undefined;
    this.#pump();
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
