/**
 * What a teacher may cost. A request is sent only when everything spent and the most that it and all others under way
 * can cost together are within the limit; where it might fit once those others are paid, it waits for them.
 *
 * Not covered: requests that were under way when a process was killed. Nobody knows what they cost.
 */
import { HaetaeError } from '../../../shared/errors.js';
import { WaitingLine } from './waiting-line.js';

export interface Reservation {
  /** What it has cost. Only the first call counts. */
  settle(cost: number): void;
}

export class Budget {
  readonly #limit: number;
  readonly #line: WaitingLine<Reservation>;
  #spent: number;
  #reserved = 0;

  constructor(limit: number | undefined, spentBefore: number) {
    this.#limit = limit ?? Number.POSITIVE_INFINITY;
    this.#spent = spentBefore;
    this.#line = new WaitingLine(() => this.#serve());
  }

  get spent(): number {
    return this.#spent;
  }

  /** @throws HaetaeError TEACHER_BUDGET. The signal's reason. */
  async reserve(mostCost: number, signal: AbortSignal): Promise<Reservation> {
    const reservation = this.#line.join(mostCost, signal);
    this.#serve();
    return reservation;
  }

  #serve(): void {
    for (;;) {
      const most = this.#line.firstAmount;
      if (most === undefined) return;
      if (this.#spent + most > this.#limit) {
        this.#line.refuseFirst(this.#exceeded(most));
      } else if (this.#spent + this.#reserved + most > this.#limit) {
        return;
      } else {
        this.#reserved += most;
        this.#line.serveFirst(this.#reservation(most));
      }
    }
  }

  #reservation(most: number): Reservation {
    let open = true;
    return {
      settle: (cost) => {
        if (!open) return;
        open = false;
        this.#reserved -= most;
        this.#spent += cost;
        this.#serve();
      },
    };
  }

  #exceeded(most: number): HaetaeError {
    return new HaetaeError(
      'TEACHER_BUDGET',
      `The teacher has cost ${figure(this.#spent)}, and the next request may cost ${figure(most)}: price.limit allows ${figure(this.#limit)}. Raise it and start again (what was paid for is kept), or ask for less.`,
      { spent: this.#spent, next: most, limit: this.#limit },
    );
  }
}

function figure(cost: number): string {
  return String(Number(cost.toPrecision(4)));
}
