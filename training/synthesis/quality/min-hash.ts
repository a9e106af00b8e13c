/**
 * MinHash (Broder 1997): the smallest value of each of many hash functions over a set. The share of functions on which
 * two sets agree estimates their Jaccard likeness, with a standard error of √(J(1 − J)/functions).
 *
 * A gram is hashed once (FNV-1a of its UTF-16 units); a function is that value, with a seed of its own, through the
 * finaliser of MurmurHash3, which is a bijection of 32 bits: as good as a random permutation here.
 */
import { seededRandom } from '../../../shared/random.js';

export class MinHash {
  readonly #seeds: Uint32Array;

  constructor(functions: number, seed: number) {
    const random = seededRandom(seed);
    this.#seeds = Uint32Array.from({ length: functions }, () => Math.floor(random() * 2 ** 32));
  }

  /** One value for each function; all 2³² − 1 for the empty set. */
  signature(grams: ReadonlySet<string>): Uint32Array {
    const signature = new Uint32Array(this.#seeds.length).fill(0xffffffff);
    for (const gram of grams) {
      const hash = fnv1a(gram);
      for (let i = 0; i < signature.length; i++) {
        const value = mix(hash ^ (this.#seeds[i] as number));
        if (value < (signature[i] as number)) signature[i] = value;
      }
    }
    return signature;
  }
}

/** Estimated Jaccard likeness of the sets behind two signatures of one `MinHash`. */
export function estimatedLikeness(a: Uint32Array, b: Uint32Array): number {
  let same = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) same += 1;
  return same / a.length;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
