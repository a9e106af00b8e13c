/** At most so many at once; those who wait come in the order they asked. */
import { WaitingLine } from './waiting-line.js';

export class Slots {
  readonly #line = new WaitingLine<() => void>();
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves to what gives the slot back. Rejects with the signal's reason. */
  async take(signal: AbortSignal): Promise<() => void> {
    const turn = this.#line.join(1, signal);
    this.#serve();
    return turn;
  }

  #serve(): void {
    while (this.#free > 0 && this.#line.firstAmount !== undefined) {
      this.#free -= 1;
      let taken = true;
      this.#line.serveFirst(() => {
        if (!taken) return;
        taken = false;
        this.#free += 1;
        this.#serve();
      });
    }
  }
}
