/**
 * Whose prompt is computed next: first come, first served, except that a prompt longer than a turn lets the next
 * request go ahead after each turn, so that one long document does not hold up everybody's questions.
 */
import { HaetaeError } from '../errors.js';

export class Scheduler<T> {
  readonly #maxQueue: number;
  readonly #turnTokens: number;
  #waiting: T[] = [];
  /** Those that have a slot; the first has the turn. */
  #active: T[] = [];
  #used = 0;

  constructor(maxQueue: number, turnTokens: number) {
    this.#maxQueue = maxQueue;
    this.#turnTokens = turnTokens;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get size(): number {
    return this.#waiting.length + this.#active.length;
  }

  /**
   * @param free slots that nobody has: who gets one of them does not wait
   * @throws HaetaeError ENGINE_BUSY where the queue is full
   */
  add(task: T, free: number): void {
    if (this.#waiting.length >= this.#maxQueue + free) {
      throw new HaetaeError(
        'ENGINE_BUSY',
        `${this.#waiting.length} requests wait for the language model already. Try again later.`,
        { waiting: this.#waiting.length },
      );
    }
    this.#waiting.push(task);
  }

  /**
   * The task to work on, or null. `admit` gives a waiting task a slot; where it says false, the task waits on, and
   * those behind it too.
   */
  next(admit: (task: T) => boolean): T | null {
    if (this.#active.length === 0 || this.#used >= this.#turnTokens) {
      this.#used = 0;
      const before = this.#active.shift();
      if (before !== undefined) this.#active.push(before);
      const first = this.#waiting[0];
      if (first !== undefined && admit(first)) {
        this.#waiting.shift();
        this.#active.unshift(first);
      }
    }
    return this.#active[0] ?? null;
  }

  /** The one whose turn it is used so many tokens. */
  use(tokens: number): void {
    this.#used += tokens;
  }

  /** Its prompt is done, or it is not wanted any more. */
  remove(task: T): void {
    if (this.#active[0] === task) this.#used = 0;
    this.#active = this.#active.filter((other) => other !== task);
    this.#waiting = this.#waiting.filter((other) => other !== task);
  }

  all(): T[] {
    return [...this.#active, ...this.#waiting];
  }
}
