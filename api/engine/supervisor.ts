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
 *   - `reload` is blue/green: a second engine loads and proves the new bundle; only when it is ready do new
 *     requests go to it; the old one finishes what it has, streams included, and ends. If the new one does not
 *     come up, nothing changes.
 *   - An engine that is started or restarted loads what `starts` says, which hears of those that did not start.
 */
import type { AnswerEvent, AnswerOptions, AnswerResult } from '../../shared/answering/answer.js';
import type {
  ChatRequest,
  EmbedResult,
  LoadOptions,
  RerankRequest,
  RerankResult,
  RuntimeInfo,
} from '../../shared/bundle/runtime.js';
import type { Clock } from '../../shared/clock.js';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import type { GenerateEvent } from '../../shared/lm/language-model.js';
import type { Retrieval, RetrieveOptions } from '../../shared/retrieval/retriever.js';
import type { Engine, EngineHealth, From } from './engine.js';
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

/** Chooses the bundle of an engine that is started or restarted. */
export interface Starts {
  /** `lostId`: the bundle that was served until now. Undefined: what `current` says. */
  next(lostId: string | undefined): Promise<string | undefined>;
  /** The engine did not become ready. */
  failed(bundleId: string | undefined, error: unknown): Promise<void>;
}

export interface Swap {
  info: RuntimeInfo;
  /** The bundle that served until now; null where none did. */
  previousId: string | null;
  /** Resolves when the engine that served before has finished what it had, and ended. */
  drained: Promise<void>;
}

export interface ReloadOptions {
  /** Gives the loading up, as long as the new engine is not ready. */
  signal?: AbortSignal;
  /** Awaited once the new engine is ready, before it serves; where it rejects, nothing changes. */
  commit?: (info: RuntimeInfo) => Promise<void>;
}

export interface SupervisorOptions {
  /** Absolute path of the engine program. */
  entry: string;
  load: LoadOptions;
  /** Default: `load.bundleId`, whatever comes of it. */
  starts?: Starts;
  clock: Clock;
  log: SupervisorLog;
  limits?: Partial<SupervisorLimits>;
}

interface Job {
  request: Request;
  lane: Lane;
  signal: AbortSignal | undefined;
  onPart: ((part: Part) => void) | undefined;
  /** Hears which bundle makes the reply, before any of it. */
  onStart: ((info: RuntimeInfo) => void) | undefined;
  /** Whether a part of the reply has gone to who asked. */
  delivered: boolean;
  /** Engines that ended while they worked on it. */
  crashes: number;
  resolve: (value: Value) => void;
  reject: (error: unknown) => void;
  /** Forgets the waiting-time limit and the abort listener. */
  release: () => void;
}

interface EnqueueOptions<O extends Op> {
  signal?: AbortSignal | undefined;
  onPart?: ((part: Part<O>) => void) | undefined;
  onStart?: Job['onStart'];
}

export class Supervisor implements Engine {
  readonly #options: SupervisorOptions;
  readonly #limits: SupervisorLimits;
  /** The engine that new requests go to; undefined while there is none that is ready. */
  #serving: EngineClient | undefined;
  #info: EngineHealth['info'] = null;
  /** The bundle that an engine is being started on, as `starts` named it. */
  #starting: string | undefined;
  readonly #bundleListeners = new Set<(info: RuntimeInfo) => void>();
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
    this.#limits = { ...defaultSupervisorLimits, ...options.limits };
  }

  get bundleId(): string | undefined {
    return this.#serving === undefined ? undefined : this.#info?.bundleId;
  }

  /** The bundle that an engine is started on while none serves; a `reload` is not meant. */
  get startingId(): string | undefined {
    return this.#serving === undefined ? this.#starting : undefined;
  }

  onBundle(listener: (info: RuntimeInfo) => void): void {
    this.#bundleListeners.add(listener);
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

  retrieve(query: string, options?: RetrieveOptions, signal?: AbortSignal): Promise<From<Retrieval>> {
    return this.#enqueueNamed<'retrieve'>({ op: 'retrieve', input: { query, options } }, signal);
  }

  answer(
    question: string,
    options?: AnswerOptions,
    signal?: AbortSignal,
    onEvent?: (event: AnswerEvent) => void,
  ): Promise<AnswerResult> {
    const input = { question, options, events: onEvent !== undefined };
    return this.#enqueue<'answer'>({ op: 'answer', input }, { signal, onPart: onEvent });
  }

  rerank(request: RerankRequest, signal?: AbortSignal): Promise<From<RerankResult>> {
    return this.#enqueueNamed<'rerank'>({ op: 'rerank', input: request }, signal);
  }

  embed(texts: readonly string[], signal?: AbortSignal): Promise<From<EmbedResult>> {
    return this.#enqueueNamed<'embed'>({ op: 'embed', input: { texts } }, signal);
  }

  chat(
    request: ChatRequest,
    signal?: AbortSignal,
    onStart?: (info: RuntimeInfo) => void,
  ): AsyncIterable<GenerateEvent> {
    return streamOf<GenerateEvent>(
      (onPart, cut) =>
        this.#enqueue<'chat'>({ op: 'chat', input: request }, { signal: cut, onPart, onStart }),
      { signal },
    );
  }

  /**
   * Moves to another bundle (default: what `current` says now) without losing a request; resolves when it serves.
   * Rejects, and leaves everything as it was, if the new engine does not become ready, or `commit` refuses it.
   */
  async reload(bundleId?: string, { signal, commit }: ReloadOptions = {}): Promise<Swap> {
    signal?.throwIfAborted();
    const fresh = this.#spawn(bundleId);
    const giveUp = () => fresh.kill('another bundle is wanted');
    signal?.addEventListener('abort', giveUp, { once: true });
    try {
      const info = await fresh.ready;
      signal?.throwIfAborted();
      // From here on it is too late to give up: what is committed is served.
      signal?.removeEventListener('abort', giveUp);
      if (this.#stopped) throw stopping();
      await commit?.(info);
      if (!fresh.alive) {
        const { reason } = await fresh.exited;
        throw new HaetaeError('ENGINE_CRASHED', `The engine ended as soon as it was ready: ${reason}.`);
      }
      const old = this.#serving;
      const previousId = this.bundleId ?? null;
      this.#serve(fresh, info);
      this.#options.log.info({ bundleId: info.bundleId, from: old?.pid, to: fresh.pid }, 'engine swapped');
      return { info, previousId, drained: old === undefined ? Promise.resolve() : this.#retire(old) };
    } catch (error) {
      fresh.kill('it was not wanted any more');
      await fresh.exited;
      throw this.#stopped ? stopping() : error;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
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

  #spawn(bundleId: string | undefined, provenManifest?: string): EngineClient {
    const { entry, clock, load } = this.#options;
    const { startTimeoutMs, heartbeatMs, hangMs } = this.#limits;
    const client = new EngineClient({
      entry,
      load: {
        ...load,
        ...(bundleId === undefined ? {} : { bundleId }),
        ...(provenManifest === undefined ? {} : { provenManifest }),
      },
      clock,
      startTimeoutMs,
      heartbeatMs,
      hangMs,
    });
    this.#clients.add(client);
    void client.exited.then((exit) => {
      this.#clients.delete(client);
      if (client === this.#serving) this.#lost(exit.reason);
    });
    return client;
  }

  async #launch(): Promise<void> {
    const { starts, load } = this.#options;
    const bundleId = (await starts?.next(this.#info?.bundleId)) ?? load.bundleId;
    if (this.#stopped || this.#serving !== undefined) return;
    this.#starting = bundleId;
    // What has served need not prove itself again, unless it could not start since.
    const client = this.#spawn(bundleId, this.#failedStarts === 0 ? this.#info?.manifestHash : undefined);
    try {
      const info = await client.ready;
      if (this.#stopped) return;
      if (this.#serving !== undefined) await this.#retire(client);
      else if (client.alive) this.#serve(client, info);
      else await this.#startFailed(bundleId, new Error('it ended as soon as it was ready'));
    } catch (error) {
      await client.exited;
      if (!this.#stopped && this.#serving === undefined) await this.#startFailed(bundleId, error);
    }
  }

  #serve(client: EngineClient, info: NonNullable<EngineHealth['info']>): void {
    this.#cancelRestart();
    this.#cancelStable();
    const isOther = this.#info?.manifestHash !== info.manifestHash;
    this.#serving = client;
    this.#info = info;
    this.#failedStarts = 0;
    if (isOther) for (const listener of this.#bundleListeners) listener(info);
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

  async #startFailed(bundleId: string | undefined, error: unknown): Promise<void> {
    await this.#options.starts?.failed(bundleId, error);
    if (this.#stopped || this.#serving !== undefined) return;
    this.#failedStarts += 1;
    this.#failed(messageOf(error));
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

  /** As `#enqueue`, with the bundle that the reply was made from. */
  async #enqueueNamed<O extends 'retrieve' | 'rerank' | 'embed'>(
    request: Request & { op: O },
    signal: AbortSignal | undefined,
  ): Promise<From<Value<O>>> {
    let bundleId = '';
    const onStart = (info: RuntimeInfo) => {
      bundleId = info.bundleId;
    };
    const value = await this.#enqueue<O>(request, { signal, onStart });
    return { ...value, bundleId };
  }

  #enqueue<O extends Op>(
    request: Request & { op: O },
    { signal, onPart, onStart }: EnqueueOptions<O>,
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
        onStart,
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
      if (client.info !== undefined) job.onStart?.(client.info);
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

function stopping(): HaetaeError {
  return new HaetaeError('ENGINE_UNAVAILABLE', 'The server is stopping.');
}
