/**
 * The positions of a batch whose next token is trained on, gathered: only these reach the head and the loss. Where
 * answers are short they are a few of hundreds.
 *
 * ```
 * slot       0 … N/sides − 1 of the first side, then of the next      sides: 1; of pairs 2, chosen and rejected
 * positions  which of the batch's T positions a slot is; 0 where it is empty
 * ```
 *
 * A batch has as many slots as any other: rows are packed so that they hold no more than `slotsPerRow` of them.
 */

/** A sequence as a teacher reads it, by itself. */
export interface TeacherSequence {
  /** The last one may be no more than a label. */
  readonly tokens: Int32Array;
  /** Ascending: the distribution after each of these tokens is wanted, */
  readonly positions: Int32Array;
  /** in this slot. */
  readonly slots: Int32Array;
}

export interface AnswerSlots {
  /** int64 [N] */
  readonly positions: BigInt64Array;
  /** int64 [N]: the token after each. */
  readonly labels: BigInt64Array;
  /** [N]: 1 where a slot is taken. */
  readonly mask: Uint8Array;
  /** Where a teacher finds the distributions of the slots. */
  readonly sequences: readonly TeacherSequence[];
}

/** Positions of a sequence in its batch, and the sequence of its teacher; as many of both. */
export interface PlacedAnswer {
  positions: readonly number[];
  labels: readonly number[];
  teacher: { tokens: Int32Array; positions: Int32Array };
}

export class AnswerSlotWriter {
  readonly #positions: BigInt64Array;
  readonly #labels: BigInt64Array;
  readonly #mask: Uint8Array;
  readonly #sequences: TeacherSequence[] = [];
  readonly #next: number[];

  /** @param perSide slots of each side */
  constructor(sides: number, perSide: number) {
    this.#positions = new BigInt64Array(sides * perSide);
    this.#labels = new BigInt64Array(sides * perSide);
    this.#mask = new Uint8Array(sides * perSide);
    this.#next = Array.from({ length: sides }, (_, side) => side * perSide);
  }

  /** Takes the next slots of a side, and returns them. */
  put(side: number, { positions, labels, teacher }: PlacedAnswer): Int32Array {
    const first = this.#next[side]!;
    const slots = Int32Array.from(positions, (_, i) => first + i);
    for (const [i, slot] of slots.entries()) {
      this.#positions[slot] = BigInt(positions[i]!);
      this.#labels[slot] = BigInt(labels[i]!);
      this.#mask[slot] = 1;
    }
    this.#next[side] = first + slots.length;
    this.#sequences.push({ ...teacher, slots });
    return slots;
  }

  get slots(): AnswerSlots {
    return {
      ...{ positions: this.#positions, labels: this.#labels, mask: this.#mask },
      sequences: this.#sequences,
    };
  }
}

/** How far a row may be denser with answers than rows are on average, before it is laid otherwise. */
const slack = 1.5;

/**
 * Slots of a row: room for the densest example and for half more than the mean.
 * @param counts of each example the tokens that are trained on, in one side
 * @param sizes positions of each
 */
export function slotsPerRow(counts: Uint32Array, sizes: Uint32Array, length: number): number {
  const sum = (values: Uint32Array) => values.reduce((total, value) => total + value, 0);
  const mean = (length * sum(counts)) / Math.max(1, sum(sizes));
  const wanted = Math.max(Math.ceil(slack * mean), ...new Set(counts), 1);
  return Math.min(8 * Math.ceil(wanted / 8), 2 * length);
}
