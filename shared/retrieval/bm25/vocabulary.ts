/**
 * Strings to ids 0..n−1 in typed arrays: the UTF-16 units of all terms in one array, their bounds, and an
 * open-addressing hash (FNV-1a, linear probing, at most half full) built on load in milliseconds. No object has
 * terms as keys, so any string is an ordinary term, lone surrogates included.
 */
import { HaetaeError } from '../../errors.js';

export interface VocabularyTable {
  /** UTF-16 code units of all terms, one after another. */
  units: Uint16Array;
  /** Term i is `units[bounds[i] .. bounds[i + 1])`. [n + 1] */
  bounds: Uint32Array;
}

function hashOf(term: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < term.length; i += 1) hash = Math.imul(hash ^ term.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function hashUnits(units: Uint16Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i += 1) hash = Math.imul(hash ^ (units[i] as number), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Lays terms out as a table; their order is their ids. */
export function packVocabulary(terms: readonly string[]): VocabularyTable {
  const bounds = new Uint32Array(terms.length + 1);
  let total = 0;
  terms.forEach((term, id) => {
    total += term.length;
    bounds[id + 1] = total;
  });
  const units = new Uint16Array(total);
  let at = 0;
  for (const term of terms) for (let i = 0; i < term.length; i += 1) units[at++] = term.charCodeAt(i);
  return { units, bounds };
}

export class Vocabulary {
  readonly size: number;
  readonly table: VocabularyTable;
  /** id + 1, or 0 where free. */
  private readonly slots: Uint32Array;
  private readonly mask: number;

  /** Throws INDEX_INVALID where the bounds do not fit the units or a term occurs twice. */
  constructor(table: VocabularyTable) {
    const { units, bounds } = table;
    this.table = table;
    this.size = bounds.length - 1;
    if (this.size < 0 || bounds[0] !== 0 || bounds[this.size] !== units.length) {
      throw new HaetaeError(
        'INDEX_INVALID',
        'The vocabulary does not fit its bounds. Build the index again.',
      );
    }
    let capacity = 16;
    while (capacity < 2 * this.size) capacity *= 2;
    this.mask = capacity - 1;
    this.slots = new Uint32Array(capacity);
    for (let id = 0; id < this.size; id += 1) this.insert(id);
  }

  /** The id of a term, or −1. */
  idOf(term: string): number {
    for (let slot = hashOf(term) & this.mask; ; slot = (slot + 1) & this.mask) {
      const id = (this.slots[slot] as number) - 1;
      if (id < 0) return -1;
      if (this.equals(id, term)) return id;
    }
  }

  /** The term of an id. */
  termOf(id: number): string {
    const { units, bounds } = this.table;
    return String.fromCharCode(...units.subarray(bounds[id], bounds[id + 1]));
  }

  private insert(id: number): void {
    const { units, bounds } = this.table;
    const from = bounds[id] as number;
    const to = bounds[id + 1] as number;
    if (to < from || to > units.length) {
      throw new HaetaeError(
        'INDEX_INVALID',
        `The bounds of term ${id} are out of order. Build the index again.`,
      );
    }
    let slot = hashUnits(units, from, to) & this.mask;
    for (; this.slots[slot] !== 0; slot = (slot + 1) & this.mask) {
      const other = (this.slots[slot] as number) - 1;
      if (this.sameTerm(other, from, to)) {
        throw new HaetaeError(
          'INDEX_INVALID',
          `Terms ${other} and ${id} are the same. Build the index again.`,
        );
      }
    }
    this.slots[slot] = id + 1;
  }

  private sameTerm(id: number, from: number, to: number): boolean {
    const { units, bounds } = this.table;
    const start = bounds[id] as number;
    if ((bounds[id + 1] as number) - start !== to - from) return false;
    for (let i = 0; i < to - from; i += 1) if (units[start + i] !== units[from + i]) return false;
    return true;
  }

  private equals(id: number, term: string): boolean {
    const { units, bounds } = this.table;
    const start = bounds[id] as number;
    if ((bounds[id + 1] as number) - start !== term.length) return false;
    for (let i = 0; i < term.length; i += 1) if (units[start + i] !== term.charCodeAt(i)) return false;
    return true;
  }
}
