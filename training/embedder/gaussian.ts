/**
 * Seeded standard normal numbers: uniform 32-bit numbers by mulberry32, made normal by Box and Muller's
 * transform. The same seed gives the same numbers on every machine.
 */
import { seededRandom } from '../../shared/random.js';

export function gaussian(seed: number): () => number {
  const random = seededRandom(seed);
  // Never 0, whose logarithm is none.
  const uniform = (): number => random() + 2 ** -33;
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}
