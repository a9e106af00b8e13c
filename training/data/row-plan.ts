/**
 * Which items stand in which row, for one pass over the data.
 *
 * A position of a row holds one token as input and the token after it as label, so that a sequence of n tokens is an
 * item of n − 1 positions: its last token is only ever a label. A piece is a part of an item that stands in one row.
 *
 * - `fill`: items follow each other through the rows; one that reaches the end of a row goes on in the next. All rows
 *   but the last are full.
 * - `pack`: whole items, several to a row. Best-fit decreasing (Johnson 1973; for language models Ding et al. 2024,
 *   arXiv 2404.10830): the longest first, each into the fullest row that has room. How many rows it takes depends on
 *   the sizes alone, not on the order of the items.
 * - `single`: one item to a row.
 */
import { Uint32List } from './uint32-list.js';

export type Packing = 'fill' | 'pack' | 'single';

/** What the items of a row may add up to, besides their positions; for `pack`. */
export interface RowLimit {
  /** Of each item; one alone takes no more than a row may. */
  of: Uint32Array;
  most: number;
}

export interface RowPlan {
  readonly rows: number;
  /** [rows + 1]: the first piece of each row. */
  readonly rowStarts: Uint32Array;
  /** [pieces]: which item, and which of its positions: `from` ≤ position < `to`. */
  readonly items: Uint32Array;
  readonly froms: Uint32Array;
  readonly tos: Uint32Array;
}

/**
 * @param sizes positions of each item; those of none are in no row. For `pack` and `single` at most `length`.
 * @param order items in the order they are taken.
 * @param length positions of a row, ≥ 1
 */
export function planRows(
  packing: Packing,
  sizes: Uint32Array,
  order: Uint32Array,
  length: number,
  limits: readonly RowLimit[] = [],
): RowPlan {
  if (packing === 'fill') return fillRows(sizes, order, length);
  const taken = order.filter((item) => sizes[item]! > 0);
  const tooLong = taken.find((item) => sizes[item]! > length);
  if (tooLong !== undefined)
    throw new RangeError(`item ${tooLong} has ${sizes[tooLong]} positions, a row ${length}`);
  if (packing === 'single') {
    return { ...piecesOf(sizes, taken), rows: taken.length, rowStarts: counting(taken.length + 1) };
  }
  return packRows(sizes, taken, length, limits);
}

function fillRows(sizes: Uint32Array, order: Uint32Array, length: number): RowPlan {
  const rowStarts = new Uint32List();
  const items = new Uint32List();
  const froms = new Uint32List();
  const tos = new Uint32List();
  let room = 0;
  for (const item of order) {
    const size = sizes[item]!;
    for (let from = 0; from < size; ) {
      if (room === 0) {
        rowStarts.push(items.length);
        room = length;
      }
      const to = Math.min(from + room, size);
      items.push(item);
      froms.push(from);
      tos.push(to);
      room -= to - from;
      from = to;
    }
  }
  const rows = rowStarts.length;
  rowStarts.push(items.length);
  return { rows, rowStarts: rowStarts.view(), items: items.view(), froms: froms.view(), tos: tos.view() };
}

function packRows(
  sizes: Uint32Array,
  taken: Uint32Array,
  length: number,
  limits: readonly RowLimit[],
): RowPlan {
  // By limits too, so that the rows are alike in every pass. Sorting is stable: equal items stay in their order.
  const keys = [sizes, ...limits.map(({ of }) => of)];
  const sorted = taken.sort((a, b) => {
    const key = keys.find((values) => values[a] !== values[b]);
    return key ? key[b]! - key[a]! : 0;
  });
  const rowOf = new Uint32Array(sorted.length);
  const counts = new Uint32List();
  const used = limits.map(() => new Uint32List());
  const rooms = new RoomQueue(length);
  const takes = (item: number) => (row: number) =>
    limits.every(({ of, most }, i) => used[i]!.at(row) + of[item]! <= most);
  for (const [i, item] of sorted.entries()) {
    const size = sizes[item]!;
    const fullest = rooms.take(size, takes(item));
    const row = fullest?.row ?? counts.length;
    if (!fullest) {
      counts.push(0);
      for (const list of used) list.push(0);
    }
    counts.increment(row);
    for (const [n, { of }] of limits.entries()) used[n]!.increment(row, of[item]!);
    const isFull = limits.some(({ most }, n) => used[n]!.at(row) >= most);
    if (!isFull) rooms.put(row, (fullest?.room ?? length) - size);
    rowOf[i] = row;
  }
  const rowStarts = startsOf(counts.view());
  const items = new Uint32Array(sorted.length);
  const next = rowStarts.slice();
  for (const [i, item] of sorted.entries()) items[next[rowOf[i]!]!++] = item;
  return { ...piecesOf(sizes, items), rows: counts.length, rowStarts };
}

/** Rows by the room they have left. */
class RoomQueue {
  /** Rows that are looked at before a new one is begun: their number would grow with the data. */
  static readonly #tries = 64;
  readonly #rows: number[][];

  constructor(length: number) {
    this.#rows = Array.from({ length: length + 1 }, () => []);
  }

  put(row: number, room: number): void {
    this.#rows[room]!.push(row);
  }

  /** Takes a row out that has room for `size` and takes the item, the fullest one. */
  take(size: number, takes: (row: number) => boolean): { row: number; room: number } | undefined {
    let tries = RoomQueue.#tries;
    for (let room = size; room < this.#rows.length; room++) {
      const rows = this.#rows[room]!;
      for (let at = rows.length - 1; at >= 0 && tries > 0; at--) {
        const row = rows[at]!;
        if (takes(row)) {
          rows.splice(at, 1);
          return { row, room };
        }
        tries -= 1;
      }
    }
    return undefined;
  }
}

/** Items as one whole piece each. */
function piecesOf(sizes: Uint32Array, items: Uint32Array): Pick<RowPlan, 'items' | 'froms' | 'tos'> {
  return { items, froms: new Uint32Array(items.length), tos: items.map((item) => sizes[item]!) };
}

function counting(length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => i);
}

function startsOf(counts: Uint32Array): Uint32Array {
  const starts = new Uint32Array(counts.length + 1);
  for (let i = 0; i < counts.length; i++) starts[i + 1] = starts[i]! + counts[i]!;
  return starts;
}
