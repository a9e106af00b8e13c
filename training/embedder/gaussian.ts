/**
 * Seeded standard normal numbers, from uniform 32-bit numbers by mulberry32. The same seed gives the same numbers on
 * every machine.
 */
import { normalNumbers } from '../../shared/normal-numbers.js';
import { seededRandom } from '../../shared/random.js';

export function gaussian(seed: number): () => number {
  const random = seededRandom(seed);
  // Never 0, whose logarithm is none.
  return normalNumbers(() => random() + 2 ** -33);
}
