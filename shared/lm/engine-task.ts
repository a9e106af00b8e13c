/** A request inside the engine: its prompt, its slot, and what became of it. */
import type { Clock } from '../clock.js';
import type { Occupant } from './kv-slots.js';
import { PrefixWalk } from './prefix-cache.js';

export abstract class EngineTask implements Occupant {
  readonly prompt: readonly number[];
  readonly positions: number;
  slot = -1;
  /** Whether the whole prompt was computed. */
  prefilled = false;
  readonly walk = new PrefixWalk();
  /** Of the prompt's tokens, those that the prefix cache had. */
  cachedTokens = 0;
  readonly requestedAt: number;
  /** When its first piece of work began. */
  startedAt = 0;
  protected readonly clock: Clock;
  readonly #signal: AbortSignal | undefined;
  #left = false;

  constructor(
    prompt: readonly number[],
    positions: number,
    clock: Clock,
    requestedAt: number,
    signal?: AbortSignal,
  ) {
    this.prompt = prompt;
    this.positions = positions;
    this.clock = clock;
    this.requestedAt = requestedAt;
    this.#signal = signal;
  }

  /** Whether nobody waits for it any more. */
  get cancelled(): boolean {
    return this.#left || this.#signal?.aborted === true;
  }

  /** Why it was cancelled, as the signal says. */
  get cancelReason(): unknown {
    return this.#signal?.reason;
  }

  /** Its caller went away. */
  leave(): void {
    this.#left = true;
  }

  abstract fail(error: unknown): void;
}
