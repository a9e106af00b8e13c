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
 * @param maxItems most items in a row, for `pack`.
 */
export function planRows(
  packing: Packing,
  sizes: Uint32Array,
  order: Uint32Array,
  length: number,
  maxItems = Infinity,
): RowPlan {
  if (packing === 'fill') return fillRows(sizes, order, length);
  const taken = order.filter((item) => sizes[item]! > 0);
  const tooLong = taken.find((item) => sizes[item]! > length);
  if (tooLong !== undefined)
    throw new RangeError(`item ${tooLong} has ${sizes[tooLong]} positions, a row ${length}`);
  if (packing === 'single') {
    return { ...piecesOf(sizes, taken), rows: taken.length, rowStarts: counting(taken.length + 1) };
  }
  return packRows(sizes, taken, length, maxItems);
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

function packRows(sizes: Uint32Array, taken: Uint32Array, length: number, maxItems: number): RowPlan {
  // Sorting is stable: items of one size stay in their order.
  const sorted = taken.sort((a, b) => sizes[b]! - sizes[a]!);
  const rowOf = new Uint32Array(sorted.length);
  const counts = new Uint32List();
  const rooms = new RoomQueue(length);
  for (const [i, item] of sorted.entries()) {
    const size = sizes[item]!;
    const fullest = rooms.take(size);
    const row = fullest?.row ?? counts.length;
    if (!fullest) counts.push(0);
    const inRow = counts.increment(row);
    if (inRow < maxItems) rooms.put(row, (fullest?.room ?? length) - size);
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
  readonly #rows: number[][];

  constructor(length: number) {
    this.#rows = Array.from({ length: length + 1 }, () => []);
  }

  put(row: number, room: number): void {
    this.#rows[room]!.push(row);
  }

  /** Takes a row out that has room for `size`, the fullest one. */
  take(size: number): { row: number; room: number } | undefined {
    for (let room = size; room < this.#rows.length; room++) {
      const row = this.#rows[room]!.pop();
      if (row !== undefined) return { row, room };
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
