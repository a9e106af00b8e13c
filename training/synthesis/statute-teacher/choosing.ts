/** Seeded choices from lists. */
import { createHash } from 'node:crypto';
import { seededRandom } from '../../../shared/random.js';
import { shuffle } from '../../data/shuffle.js';

export type Random = () => number;

/** Uniform numbers for one purpose, named by any parts. */
export function randomFor(...parts: readonly (string | number | boolean)[]): Random {
  return seededRandom(createHash('sha256').update(parts.join('\n')).digest().readUInt32LE(0));
}

export function pick<T>(values: readonly T[], random: Random): T | undefined {
  return values[Math.floor(random() * values.length)];
}

export function shuffled<T>(values: readonly T[], random: Random): T[] {
  return shuffle([...values], random);
}

/**
 * `count` of the values, as many below the key as chance has it: so neither the middle of an ordered list nor one of
 * its ends is the likelier key.
 * @param below and above the key, the nearest first
 * @param lean below 1: more of them below, where often there are too few
 */
export function aroundKey<T>(
  below: readonly T[],
  above: readonly T[],
  count: number,
  random: Random,
  lean = 1,
): T[] {
  const rank = Math.floor(random() ** lean * (count + 1));
  const lower = Math.min(below.length, Math.max(rank, count - above.length));
  return [...below.slice(0, lower), ...above.slice(0, count - lower)];
}

/** An order in which the heavier tend to come first (Efraimidis and Spirakis, 2006). */
export function weightedOrder<T>(values: readonly T[], weight: (value: T) => number, random: Random): T[] {
  return values
    .map((value) => ({ value, key: -Math.log(1 - random()) / weight(value) }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);
}
