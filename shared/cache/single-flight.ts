/**
 * Single flight: callers that ask for the same key at the same time share one computation.
 *
 * The computation belongs to nobody: it runs under a signal of its own, which is aborted only when every
 * caller that waited for it has gone away. So an aborted first caller does not take the others down, and a
 * caller who leaves does not cancel the rest. A computation that fails rejects the caller who started it;
 * those who merely joined try once more (together, in one new flight) before they see an error.
 */
interface Flight<V> {
  promise: Promise<V>;
  waiters: number;
  controller: AbortController;
}

export interface FlightResult<V> {
  value: V;
  /** True for a caller who joined a computation that was already in flight. */
  joined: boolean;
}

export class SingleFlight<V> {
  readonly #flights = new Map<string, Flight<V>>();

  /** Computations under way. */
  get size(): number {
    return this.#flights.size;
  }

  /**
   * The value of `compute` for `key`, started here or joined. Rejects with `signal.reason` as soon as
   * `signal` aborts, whatever the computation does.
   */
  async run(
    key: string,
    compute: (signal: AbortSignal) => Promise<V>,
    signal?: AbortSignal,
  ): Promise<FlightResult<V>> {
    signal?.throwIfAborted();
    const current = this.#flights.get(key);
    if (current === undefined)
      return { value: await this.#wait(key, this.#start(key, compute), signal), joined: false };
    try {
      return { value: await this.#wait(key, current, signal), joined: true };
    } catch (error) {
      if (signal?.aborted) throw error;
      const next = this.#flights.get(key) ?? this.#start(key, compute);
      return { value: await this.#wait(key, next, signal), joined: true };
    }
  }

  /** Lets nobody else join what is in flight now; those who already wait still get their value. */
  detach(): void {
    this.#flights.clear();
  }

  #start(key: string, compute: (signal: AbortSignal) => Promise<V>): Flight<V> {
    const controller = new AbortController();
    const flight: Flight<V> = {
      controller,
      waiters: 0,
      promise: Promise.resolve().then(() => compute(controller.signal)),
    };
    this.#flights.set(key, flight);
    const land = () => this.#forget(key, flight);
    flight.promise.then(land, land);
    return flight;
  }

  #forget(key: string, flight: Flight<V>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }

  #wait(key: string, flight: Flight<V>, signal: AbortSignal | undefined): Promise<V> {
    flight.waiters += 1;
    return new Promise<V>((resolve, reject) => {
      const leave = () => {
        signal?.removeEventListener('abort', onAbort);
        flight.waiters -= 1;
      };
      const onAbort = () => {
        leave();
        if (flight.waiters === 0) {
          this.#forget(key, flight);
          flight.controller.abort(signal?.reason);
        }
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      flight.promise.then(
        (value) => {
          leave();
          resolve(value);
        },
        (error) => {
          leave();
          reject(error);
        },
      );
    });
  }
}
