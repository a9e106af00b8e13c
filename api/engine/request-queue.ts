/**
 * Requests on their way to the engine that serves.
 *
 *   - They go in three lanes (look-ups, questions, chats), so that long ones do not hold up short ones. In each, at
 *     most so many are inside the engine and `maxQueued` wait; more are `ENGINE_BUSY`.
 *   - A request waits for a starting engine at most `startWaitMs`, and not at all for one that is down: then it is
 *     rejected with `ENGINE_UNAVAILABLE`.
 *   - A request in flight at a crash is run once more, and alone: if it brings the next engine down too, it is the
 *     culprit and is rejected with `ENGINE_CRASHED`, and the others that were in flight with it are not. A stream of
 *     which a part was delivered is never run again: it ends with `ENGINE_CRASHED`.
 */
import type { RuntimeInfo } from '../../shared/bundle/runtime.js';
import type { Clock } from '../../shared/clock.js';
import { HaetaeError } from '../../shared/errors.js';
import type { EngineHealth } from './engine.js';
import type { EngineClient } from './engine-client.js';
import { type Lane, laneNames, laneOf } from './lanes.js';
import type { Op, Part, Request, Value } from './protocol.js';
import type { SupervisorLimits } from './supervisor-limits.js';

/** What the queue must know of the engines. */
export interface QueueSide {
  /** The engine that new requests go to; undefined while there is none that is ready. */
  serving(): EngineClient | undefined;
  state(): EngineHealth['state'];
  /** Why there is no engine, in words. */
  unavailable(): string;
  /** A request that a lost engine worked on runs once more. */
  onRetry(op: Op): void;
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

export interface AddOptions<O extends Op> {
  signal?: AbortSignal | undefined;
  onPart?: ((part: Part<O>) => void) | undefined;
  onStart?: Job['onStart'];
}

export class RequestQueue {
  readonly #side: QueueSide;
  readonly #clock: Clock;
  readonly #limits: SupervisorLimits;
  #waiting: Job[] = [];
  /** The request that has seen a crash and runs alone, until its reply begins. */
  #quarantine: Job | undefined;

  constructor(side: QueueSide, clock: Clock, limits: SupervisorLimits) {
    this.#side = side;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Requests that wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /** The engine's reply to `request`, when it had its turn; rejects at once with the reason of `signal`. */
  add<O extends Op>(
    request: Request & { op: O },
    { signal, onPart, onStart }: AddOptions<O>,
  ): Promise<Value<O>> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const state = this.#side.state();
    if (state === 'down' || state === 'stopped') {
      return Promise.reject(new HaetaeError('ENGINE_UNAVAILABLE', this.#side.unavailable()));
    }
    const lane = laneOf[request.op];
    const ahead = this.#waiting.filter((job) => job.lane === lane).length;
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
      this.#waiting.push(job);
      this.pump();
    });
  }

  /** While `job` waits: its signal takes it out, and so does an engine that does not come up in time. */
  #wait(job: Job): void {
    const leave = (error: unknown) => {
      job.release();
      this.#waiting = this.#waiting.filter((other) => other !== job);
      job.reject(error);
    };
    const onAbort = () => leave(job.signal?.reason);
    job.signal?.addEventListener('abort', onAbort, { once: true });
    const cancelTimer =
      this.#side.state() !== 'ready'
        ? this.#clock.after(this.#limits.startWaitMs, () => {
            if (this.#side.state() !== 'ready')
              leave(new HaetaeError('ENGINE_UNAVAILABLE', this.#side.unavailable()));
          })
        : () => undefined;
    job.release = () => {
      cancelTimer();
      job.signal?.removeEventListener('abort', onAbort);
      job.release = () => undefined;
    };
  }

  /** Hands waiting requests to the engine as far as their lanes have room. */
  pump(): void {
    for (;;) {
      const client = this.#side.serving();
      if (!client?.alive || this.#quarantine !== undefined) return;
      const job = this.#next(client);
      if (job === undefined) return;
      if (job.crashes > 0) this.#quarantine = job;
      this.#waiting.splice(this.#waiting.indexOf(job), 1);
      job.release();
      void this.#run(client, job);
    }
  }

  /**
   * The request that may go next. Those that have seen a crash stand in front of all others, and go one at a
   * time, while nothing is in the engine that would have to be run once more.
   */
  #next(client: EngineClient): Job | undefined {
    const [first] = this.#waiting;
    if (first !== undefined && first.crashes > 0) return client.silent === 0 ? first : undefined;
    const open = laneNames.filter((lane) => client.inFlightIn(lane) < this.#roomIn(lane));
    return this.#waiting.find((job) => open.includes(job.lane));
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
      if (client.alive || job.delivered || job.signal?.aborted || this.#side.state() === 'stopped')
        job.reject(error);
      else this.#retry(job, error);
    } finally {
      this.#endQuarantine(job);
      this.pump();
    }
  }

  #endQuarantine(job: Job): void {
    if (this.#quarantine !== job) return;
    this.#quarantine = undefined;
    this.pump();
  }

  #retry(job: Job, error: unknown): void {
    job.crashes += 1;
    if (job.crashes > 1) {
      job.reject(error);
      return;
    }
    if (this.#side.state() === 'down') {
      job.reject(new HaetaeError('ENGINE_UNAVAILABLE', this.#side.unavailable()));
      return;
    }
    this.#side.onRetry(job.request.op);
    this.#wait(job);
    const firstClean = this.#waiting.findIndex((other) => other.crashes === 0);
    this.#waiting.splice(firstClean === -1 ? this.#waiting.length : firstClean, 0, job);
  }

  /** What waits is rejected with `ENGINE_UNAVAILABLE`. */
  rejectAll(message: string): void {
    for (const job of this.#waiting.splice(0)) {
      job.release();
      job.reject(new HaetaeError('ENGINE_UNAVAILABLE', message));
    }
  }
}
