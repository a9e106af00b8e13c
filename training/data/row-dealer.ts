/**
 * Deals the rows of a plan, pass after pass, in an order of its own for each.
 *
 * Items are shuffled before they are laid into rows, rows are shuffled after that: the windows of one long document,
 * which follow each other through the rows, do not make whole batches of one document. Plan and order are functions
 * of seed and pass, so that a position is two numbers.
 */
import { checkPosition, type DataPosition } from './data-position.js';
import { type Packing, planRows, type RowLimit, type RowPlan } from './row-plan.js';
import { epochRandom, shuffle } from './shuffle.js';

export interface DealtRow {
  plan: RowPlan;
  /** Row of the plan. */
  row: number;
}

export interface DealerSettings {
  packing: Packing;
  /** See `planRows`. */
  sizes: Uint32Array;
  length: number;
  seed: number;
  limits?: readonly RowLimit[];
}

export class RowDealer {
  readonly #settings: DealerSettings;
  #position: DataPosition;
  #pass: { epoch: number; plan: RowPlan; order: Uint32Array };

  constructor(settings: DealerSettings, position: DataPosition) {
    this.#settings = settings;
    this.#position = position;
    this.#pass = this.#passOf(position.epoch);
  }

  get position(): DataPosition {
    return this.#position;
  }

  /** @throws HaetaeError TRAINING_DATA_INVALID where `value` is no position in these data. */
  seek(value: unknown): void {
    this.#position = checkPosition(value, this.#position.fingerprint);
  }

  /** Rows of a pass: the same number in each. */
  get rowsPerEpoch(): number {
    return this.#pass.plan.rows;
  }

  /** The most that the pieces of a row add up to. @param of of each item */
  mostInRow(of: Uint32Array): number {
    const { rows, rowStarts, items } = this.#pass.plan;
    let most = 0;
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let piece = rowStarts[row]!; piece < rowStarts[row + 1]!; piece++) sum += of[items[piece]!]!;
      most = Math.max(most, sum);
    }
    return most;
  }

  /** Passes so far, with fractions. */
  get epoch(): number {
    return this.#position.epoch + this.#position.dealt / this.rowsPerEpoch;
  }

  /** The next rows, going over into the next pass where this one ends. */
  deal(count: number): DealtRow[] {
    const rows: DealtRow[] = [];
    while (rows.length < count) {
      if (this.#position.epoch !== this.#pass.epoch) this.#pass = this.#passOf(this.#position.epoch);
      const { plan, order } = this.#pass;
      const { epoch, dealt, fingerprint } = this.#position;
      if (dealt >= plan.rows) {
        this.#position = { epoch: epoch + 1, dealt: 0, fingerprint };
        continue;
      }
      rows.push({ plan, row: order[dealt]! });
      this.#position = { epoch, dealt: dealt + 1, fingerprint };
    }
    return rows;
  }

  /**
   * All rows once, `count` at a time, in an order that is always the same and a random one: the first rows are a fair
   * sample of all. The position stays.
   */
  *pass(count: number): Generator<DealtRow[]> {
    const plan = this.#plan(countingTo(this.#settings.sizes.length));
    const order = shuffle(countingTo(plan.rows), epochRandom(this.#settings.seed, 0, 'measured rows'));
    for (let first = 0; first < plan.rows; first += count) {
      yield Array.from(order.subarray(first, first + count), (row) => ({ plan, row }));
    }
  }

  #passOf(epoch: number): { epoch: number; plan: RowPlan; order: Uint32Array } {
    const { sizes, seed } = this.#settings;
    const plan = this.#plan(shuffle(countingTo(sizes.length), epochRandom(seed, epoch, 'items')));
    const order = shuffle(countingTo(plan.rows), epochRandom(seed, epoch, 'rows'));
    return { epoch, plan, order };
  }

  #plan(order: Uint32Array): RowPlan {
    const { packing, sizes, length, limits } = this.#settings;
    return planRows(packing, sizes, order, length, limits);
  }
}

function countingTo(length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => i);
}
