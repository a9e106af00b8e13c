/** Those who wait for an amount of something, first come, first served; who is aborted leaves the line. */
interface Waiter<T> {
  amount: number;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

export class WaitingLine<T> {
  #waiting: Waiter<T>[] = [];
  readonly #onLeave: () => void;

  /** @param onLeave hears that one has left: the next may want less */
  constructor(onLeave: () => void = () => {}) {
    this.#onLeave = onLeave;
  }

  /** What the first wants; undefined where nobody waits. */
  get firstAmount(): number | undefined {
    return this.#waiting[0]?.amount;
  }

  /** Resolves to what it is served with. Rejects with the signal's reason. */
  join(amount: number, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    return new Promise<T>((resolve, reject) => {
      const onAbort = () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        reject(signal.reason);
        this.#onLeave();
      };
      const served = <V>(settle: (value: V) => void) => {
        return (value: V) => {
          signal.removeEventListener('abort', onAbort);
          settle(value);
        };
      };
      const waiter = { amount, resolve: served<T>(resolve), reject: served<unknown>(reject) };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(waiter);
    });
  }

  serveFirst(value: T): void {
    this.#waiting.shift()?.resolve(value);
  }

  refuseFirst(reason: unknown): void {
    this.#waiting.shift()?.reject(reason);
  }
}
