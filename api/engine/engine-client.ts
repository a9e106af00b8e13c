/**
 * One engine process, seen from the API: a typed promise per request, with the parts of its reply, and what is known of its health.
 *
 * A client never restarts anything; when its process ends, everything pending is rejected with
 * `ENGINE_CRASHED`, `exited` resolves, and the client is of no further use. The supervisor makes a new one.
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { LoadOptions, RuntimeInfo } from '../../shared/bundle/runtime.js';
import type { Clock } from '../../shared/clock.js';
import { childExecArgv } from '../../shared/entry-point.js';
import { HaetaeError } from '../../shared/errors.js';
import type { LanguageModelStats } from '../../shared/lm/language-model.js';
import { type Lane, laneOf } from './lanes.js';
import {
  type FromEngine,
  fromWire,
  type Op,
  type Part,
  type Request,
  type ToEngine,
  type Value,
} from './protocol.js';

export interface EngineClientOptions {
  /** Absolute path of the module that calls `runEngine`. */
  entry: string;
  load: LoadOptions;
  clock: Clock;
  /** Longest time from fork to ready, milliseconds. */
  startTimeoutMs: number;
  /** Time between pings once it is ready, milliseconds. */
  heartbeatMs: number;
  /** An engine that has not replied to a ping for this long is killed, milliseconds. */
  hangMs: number;
}

export interface EngineExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** In words: why the client ended it, or how it ended by itself. */
  reason: string;
}

interface Pending {
  op: Op;
  /** Whether a part of the reply has come. */
  begun: boolean;
  onPart: (part: Part) => void;
  resolve: (value: Value) => void;
  reject: (error: unknown) => void;
}

export interface CallOptions<O extends Op> {
  signal?: AbortSignal | undefined;
  /** Hears each part of the reply, in order, before the promise settles. */
  onPart?: ((part: Part<O>) => void) | undefined;
}

export class EngineClient {
  /** Resolves when the bundle is loaded; rejects with the engine's own error, or `ENGINE_CRASHED`. */
  readonly ready: Promise<RuntimeInfo>;
  /** Resolves when the process has ended; never rejects. */
  readonly exited: Promise<EngineExit>;
  readonly #child: ChildProcess;
  readonly #options: EngineClientOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #settleReady: { resolve: (info: RuntimeInfo) => void; reject: (error: unknown) => void };
  #cancelTimer: () => void = () => undefined;
  #nextId = 1;
  #killReason: string | undefined;
  #alive = true;
  /** Whether the program listens. */
  #begun = false;
  #rssBytes = 0;
  #info: RuntimeInfo | undefined;
  #languageModel: LanguageModelStats | null = null;

  constructor(options: EngineClientOptions) {
    this.#options = options;
    const settle = { resolve: (_: RuntimeInfo): void => undefined, reject: (_: unknown): void => undefined };
    this.ready = new Promise((resolve, reject) => Object.assign(settle, { resolve, reject }));
    this.ready.catch(() => undefined);
    this.#settleReady = settle;
    this.#child = fork(options.entry, {
      execArgv: childExecArgv(),
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (message) => this.#receive(message as FromEngine));
    this.exited = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null, error?: Error) => {
        if (!this.#alive) return;
        resolve(this.#end(code, signal, error));
      };
      this.#child.once('exit', (code, signal) => end(code, signal));
      this.#child.once('error', (error) => end(null, null, error));
    });
    this.#cancelTimer = options.clock.after(options.startTimeoutMs, () => {
      const where = this.#begun ? 'its bundle was not loaded' : 'its program had not begun';
      this.kill(`it was not ready after ${options.startTimeoutMs} ms, ${where}`);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What it has loaded; undefined until it is ready. */
  get info(): RuntimeInfo | undefined {
    return this.#info;
  }

  /** False once the process has ended. */
  get alive(): boolean {
    return this.#alive;
  }

  /** Requests that have no complete reply yet. */
  get inFlight(): number {
    return this.#pending.size;
  }

  /** Of those, the ones of this lane. */
  inFlightIn(lane: Lane): number {
    let count = 0;
    for (const { op } of this.#pending.values()) if (laneOf[op] === lane) count += 1;
    return count;
  }

  /** Of those, the ones of whose reply nothing has come. */
  get silent(): number {
    let count = 0;
    for (const { begun } of this.#pending.values()) if (!begun) count += 1;
    return count;
  }

  /** Resident memory at the last heartbeat, bytes. */
  get rssBytes(): number {
    return this.#rssBytes;
  }

  /** Of the language model at the last heartbeat; null without one. */
  get languageModel(): LanguageModelStats | null {
    return this.#languageModel;
  }

  /**
   * The engine's reply. Rejects with the error that the engine threw, with `ENGINE_CRASHED` if it ends first,
   * or at once with the reason of `signal`, which also tells the engine to stop working on it.
   */
  call<O extends Op>(
    request: Request & { op: O },
    { signal, onPart }: CallOptions<O> = {},
  ): Promise<Value<O>> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!this.#alive) return Promise.reject(crashed('it has ended'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#pending.delete(id);
        this.#send({ type: 'cancel', id });
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const settled = () => signal?.removeEventListener('abort', onAbort);
      this.#pending.set(id, {
        op: request.op,
        begun: false,
        onPart: (part) => onPart?.(part as Part<O>),
        resolve: (value) => {
          settled();
          resolve(value as Value<O>);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      this.#send({ type: 'request', id, request });
    });
  }

  /** Asks the process to end, and kills it if it has not after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#killReason ??= 'it was asked to stop';
    this.#send({ type: 'stop' });
    const cancel = this.#options.clock.after(graceMs, () => this.kill('it did not stop when asked'));
    await this.exited;
    cancel();
  }

  /** Ends the process at once. */
  kill(reason: string): void {
    this.#killReason ??= reason;
    this.#child.kill('SIGKILL');
  }

  #receive(message: FromEngine): void {
    switch (message.type) {
      case 'begun':
        this.#begun = true;
        this.#send({ type: 'load', options: this.#options.load });
        break;
      case 'ready':
        this.#cancelTimer();
        this.#info = message.info;
        this.#settleReady.resolve(message.info);
        this.#beat(1);
        break;
      case 'failed':
        this.#settleReady.reject(fromWire(message.error));
        break;
      case 'parts': {
        const pending = this.#pending.get(message.id);
        if (pending === undefined) break; // cancelled meanwhile
        pending.begun = true;
        for (const part of message.parts) pending.onPart(part);
        break;
      }
      case 'result':
        this.#take(message.id)?.resolve(message.value);
        break;
      case 'error':
        this.#take(message.id)?.reject(fromWire(message.error));
        break;
      case 'pong':
        this.#rssBytes = message.rssBytes;
        this.#languageModel = message.languageModel;
        this.#cancelTimer();
        this.#cancelTimer = this.#options.clock.after(this.#options.heartbeatMs, () =>
          this.#beat(message.seq + 1),
        );
        break;
    }
  }

  /** Sends a ping; its reply schedules the next one, its absence ends the engine. */
  #beat(seq: number): void {
    if (!this.#alive) return;
    this.#send({ type: 'ping', seq });
    this.#cancelTimer = this.#options.clock.after(this.#options.hangMs, () =>
      this.kill(`it gave no sign of life for ${this.#options.hangMs} ms`),
    );
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #send(message: ToEngine): void {
    if (this.#alive && this.#child.connected) this.#child.send(message, () => undefined);
  }

  #end(code: number | null, signal: NodeJS.Signals | null, error: Error | undefined): EngineExit {
    this.#alive = false;
    this.#cancelTimer();
    const how = error?.message ?? (signal === null ? `exit code ${code}` : `signal ${signal}`);
    const reason = this.#killReason === undefined ? how : `${this.#killReason} (${how})`;
    this.#settleReady.reject(crashed(reason));
    for (const pending of this.#pending.values()) pending.reject(crashed(reason));
    this.#pending.clear();
    return { code, signal, reason };
  }
}

function crashed(reason: string): HaetaeError {
  return new HaetaeError('ENGINE_CRASHED', `The engine process ended: ${reason}.`);
}
