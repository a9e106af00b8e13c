/** Seeded orders: the same on every machine, another one for each epoch and purpose. */
import { createHash } from 'node:crypto';
import { seededRandom } from '../../shared/random.js';

/** Uniform numbers for one purpose in one epoch of a run; neighbouring seeds and epochs have nothing in common. */
export function epochRandom(seed: number, epoch: number, purpose: string): () => number {
  return seededRandom(createHash('sha256').update(`${seed}\n${epoch}\n${purpose}`).digest().readUInt32LE(0));
}

/** Fisher and Yates, in place; returns its argument. */
export function shuffle<T extends Uint32Array | unknown[]>(values: T, random: () => number): T {
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const value = values[i]!;
    values[i] = values[j]!;
    values[j] = value;
  }
  return values;
}
