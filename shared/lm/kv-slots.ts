/**
 * The slots that sequences compute in: one cache, made larger when more or longer sequences come, within a bound of
 * positions (slots × capacity), and given back when nothing runs.
 *
 * Running sequences have to lie side by side to be decoded in one step: they are kept in slots 0 to n − 1 by
 * `place`, whoever else is there being moved away.
 */
import type { Decoder, KvCache } from './decoder.js';

/** A sequence that lies in a slot, or wants to. */
export interface Occupant {
  /** −1: none. */
  slot: number;
  /** Positions it may need. */
  readonly positions: number;
}

export class KvSlots {
  readonly #decoder: Decoder;
  readonly #maxSlots: number;
  readonly #maxPositions: number;
  /** Longest capacity that may be asked of the decoder. */
  readonly #maxCapacity: number;
  #cache: KvCache | null = null;
  #occupants: (Occupant | null)[] = [];

  /** @param maxPositions slots × capacity that may be allocated */
  constructor(decoder: Decoder, maxSlots: number, maxPositions: number, maxCapacity: number) {
    this.#decoder = decoder;
    this.#maxSlots = maxSlots;
    this.#maxPositions = maxPositions;
    this.#maxCapacity = maxCapacity;
  }

  /** @throws where nothing occupies a slot: there is no cache then. */
  get cache(): KvCache {
    if (!this.#cache) throw new Error('no sequence occupies a slot');
    return this.#cache;
  }

  get slots(): number {
    return this.#occupants.length;
  }

  get inUse(): number {
    return this.#occupants.reduce((sum, occupant) => sum + (occupant ? 1 : 0), 0);
  }

  get bytes(): number {
    return this.#cache?.bytes ?? 0;
  }

  /** Gives an empty slot; false where it has to wait until others leave. */
  acquire(occupant: Occupant): boolean {
    const shape = this.#shapeFor(occupant.positions);
    if (!shape) return false;
    if (shape.slots !== this.slots || shape.capacity !== this.#cache?.capacity) this.#rebuild(shape);
    const slot = this.#occupants.indexOf(null);
    this.#occupants[slot] = occupant;
    occupant.slot = slot;
    this.cache.truncate(slot, 0);
    return true;
  }

  release(occupant: Occupant): void {
    if (occupant.slot < 0) return;
    this.#occupants[occupant.slot] = null;
    occupant.slot = -1;
  }

  /** Moves a sequence to a slot; one that is there goes elsewhere. */
  place(occupant: Occupant, slot: number): void {
    if (occupant.slot === slot) return;
    const other = this.#occupants[slot];
    const free = this.#occupants.indexOf(null);
    if (!other) {
      this.#move(occupant, slot);
    } else if (free >= 0) {
      this.#move(other, free);
      this.#move(occupant, slot);
    } else {
      this.#exchange(occupant, other);
    }
  }

  /** Gives the memory back; only while nothing occupies a slot. */
  clear(): void {
    if (this.inUse > 0) throw new Error(`${this.inUse} sequences occupy slots`);
    this.#cache = null;
    this.#occupants = [];
  }

  #move(occupant: Occupant, slot: number): void {
    this.cache.copy(occupant.slot, slot);
    this.#occupants[occupant.slot] = null;
    this.#occupants[slot] = occupant;
    occupant.slot = slot;
  }

  #exchange(a: Occupant, b: Occupant): void {
    const { cache } = this;
    const length = cache.length(a.slot);
    const aside = this.#decoder.createCache(1, Math.max(1, length));
    aside.copyFrom(cache, { slot: a.slot, position: 0 }, { slot: 0, position: 0 }, length);
    cache.copy(b.slot, a.slot);
    cache.copyFrom(aside, { slot: 0, position: 0 }, { slot: b.slot, position: 0 }, length);
    [a.slot, b.slot] = [b.slot, a.slot];
    this.#occupants[a.slot] = a;
    this.#occupants[b.slot] = b;
  }

  /** The present shape where it will do, else a larger one, else the smallest that will do, else null. */
  #shapeFor(positions: number): { slots: number; capacity: number } | null {
    const occupants = this.#occupants.filter((occupant) => occupant !== null);
    const needed = occupants.length + 1;
    if (needed > this.#maxSlots) return null;
    const longest = Math.max(positions, ...occupants.map((occupant) => occupant.positions));
    const slots = Math.min(bucket(needed, 1), this.#maxSlots);
    const capacity = Math.min(bucket(longest, 128), this.#maxCapacity);
    const grown = {
      slots: Math.max(slots, this.slots),
      capacity: Math.max(capacity, this.#cache?.capacity ?? 0),
    };
    const shapes = [
      grown,
      { slots, capacity },
      { slots: needed, capacity },
      { slots: needed, capacity: longest },
    ];
    return shapes.find((shape) => shape.slots * shape.capacity <= this.#maxPositions) ?? null;
  }

  #rebuild(shape: { slots: number; capacity: number }): void {
    const occupants = this.#occupants.filter((occupant) => occupant !== null);
    const previous = this.#cache;
    // without anything to move, the previous memory is free to go before the next is taken
    if (occupants.length === 0) this.#cache = null;
    const cache = this.#decoder.createCache(shape.slots, shape.capacity);
    for (const [slot, occupant] of occupants.entries()) {
      if (!previous) break;
      cache.copyFrom(
        previous,
        { slot: occupant.slot, position: 0 },
        { slot, position: 0 },
        previous.length(occupant.slot),
      );
    }
    // only now: where memory ran out, everything is as it was
    this.#cache = cache;
    this.#occupants = Array.from({ length: shape.slots }, (_, slot) => occupants[slot] ?? null);
    for (const [slot, occupant] of occupants.entries()) occupant.slot = slot;
  }
}

/** The least of `unit`, 1.5 · `unit` (where whole), 2 · `unit`, 3 · `unit`, 4 · `unit`, 6 · `unit`, … that is ≥ n. */
function bucket(n: number, unit: number): number {
  let size = unit;
  while (size < n) {
    if (size * 1.5 >= n && Number.isInteger(size * 1.5)) return size * 1.5;
    size *= 2;
  }
  return size;
}
