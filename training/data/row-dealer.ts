/**
 * Deals the rows of a plan, pass after pass, in an order of its own for each.
 *
 * Items are shuffled before they are laid into rows, rows are shuffled after that: the windows of one long document,
 * which follow each other through the rows, do not make whole batches of one document. Plan and order are functions
 * of seed and pass, so that a position is two numbers.
 */
import { checkPosition, type DataPosition } from './data-position.js';
import { type Packing, planRows, type RowPlan } from './row-plan.js';
import { epochRandom, shuffle } from './shuffle.js';

export interface DealtRow {
  plan: RowPlan;
  /** Row of the plan. */
  row: number;
}

export class RowDealer {
  readonly #packing: Packing;
  readonly #sizes: Uint32Array;
  readonly #length: number;
  readonly #seed: number;
  #position: DataPosition;
  #pass: { epoch: number; plan: RowPlan; order: Uint32Array };

  /** @param sizes see `planRows`; at least one is above 0. */
  constructor(packing: Packing, sizes: Uint32Array, length: number, seed: number, position: DataPosition) {
    this.#packing = packing;
    this.#sizes = sizes;
    this.#length = length;
    this.#seed = seed;
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

  /** All rows once, items and rows in their own order, `count` at a time; the position stays. */
  *pass(count: number): Generator<DealtRow[]> {
    const plan = planRows(this.#packing, this.#sizes, countingTo(this.#sizes.length), this.#length);
    for (let row = 0; row < plan.rows; row += count) {
      const rows = Math.min(count, plan.rows - row);
      yield Array.from({ length: rows }, (_, i) => ({ plan, row: row + i }));
    }
  }

  #passOf(epoch: number): { epoch: number; plan: RowPlan; order: Uint32Array } {
    const items = shuffle(countingTo(this.#sizes.length), epochRandom(this.#seed, epoch, 'items'));
    const plan = planRows(this.#packing, this.#sizes, items, this.#length);
    const order = shuffle(countingTo(plan.rows), epochRandom(this.#seed, epoch, 'rows'));
    return { epoch, plan, order };
  }
}

function countingTo(length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => i);
}
