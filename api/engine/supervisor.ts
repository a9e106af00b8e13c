/**
 * Keeps one warm engine: starts it, restarts it, swaps it; requests for it go through a queue (`request-queue.ts`).
 *
 *   - A crashed or hung engine is replaced after a back-off of `backoffMs · 2^(failures − 1)`, at most
 *     `maxBackoffMs`; the count returns to 0 once an engine has stayed up for `stableMs`. One that could not start
 *     `failuresUntilDown` times in a row is down: requests are told instead of kept.
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
import { streamOf } from './part-stream.js';
import type { Request, Value } from './protocol.js';
import { type QueueSide, RequestQueue } from './request-queue.js';
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
  readonly #queue: RequestQueue;
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
    const side: QueueSide = {
      serving: () => this.#serving,
      state: () => this.#state(),
      unavailable: () => this.#unavailable(),
      onRetry: (op) => options.log.warn({ op }, 'request in flight at the loss of an engine runs once more'),
    };
    this.#queue = new RequestQueue(side, options.clock, this.#limits);
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
      queued: this.#queue.size,
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
    return this.#addNamed<'retrieve'>({ op: 'retrieve', input: { query, options } }, signal);
  }

  answer(
    question: string,
    options?: AnswerOptions,
    signal?: AbortSignal,
    onEvent?: (event: AnswerEvent) => void,
  ): Promise<AnswerResult> {
    const input = { question, options, events: onEvent !== undefined };
    return this.#queue.add<'answer'>({ op: 'answer', input }, { signal, onPart: onEvent });
  }

  rerank(request: RerankRequest, signal?: AbortSignal): Promise<From<RerankResult>> {
    return this.#addNamed<'rerank'>({ op: 'rerank', input: request }, signal);
  }

  embed(texts: readonly string[], signal?: AbortSignal): Promise<From<EmbedResult>> {
    return this.#addNamed<'embed'>({ op: 'embed', input: { texts } }, signal);
  }

  chat(
    request: ChatRequest,
    signal?: AbortSignal,
    onStart?: (info: RuntimeInfo) => void,
  ): AsyncIterable<GenerateEvent> {
    return streamOf<GenerateEvent>(
      (onPart, cut) =>
        this.#queue.add<'chat'>({ op: 'chat', input: request }, { signal: cut, onPart, onStart }),
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
    this.#queue.rejectAll('The server is stopping.');
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
    this.#queue.pump();
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
    if (this.#state() === 'down') this.#queue.rejectAll(this.#unavailable());
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

  /** As `add`, with the bundle that the reply was made from. */
  async #addNamed<O extends 'retrieve' | 'rerank' | 'embed'>(
    request: Request & { op: O },
    signal: AbortSignal | undefined,
  ): Promise<From<Value<O>>> {
    let bundleId = '';
    const onStart = (info: RuntimeInfo) => {
      bundleId = info.bundleId;
    };
    const value = await this.#queue.add<O>(request, { signal, onStart });
    return { ...value, bundleId };
  }
}

function stopping(): HaetaeError {
  return new HaetaeError('ENGINE_UNAVAILABLE', 'The server is stopping.');
}
