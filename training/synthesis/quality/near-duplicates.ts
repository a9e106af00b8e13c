/**
 * Finds a question that is nearly one of those before.
 *
 * Likeness is the Jaccard likeness of character 4-grams of stem and choices, whatever their order. Candidates come from
 * MinHash signatures cut into bands (locality-sensitive hashing): two sets meet in a band where all its rows agree,
 * so with 32 bands of 4 rows a pair of likeness 0.65 is found with probability 1 − (1 − 0.65⁴)³² = 0.998, one of
 * 0.2 with 0.05. Each candidate is then compared exactly: nothing is dropped for an estimate.
 */
import { characterGrams, jaccard } from '../decontamination/grams.js';
import { MinHash } from './min-hash.js';

export const duplicateLikeness = 0.65;
const bands = 32;
const rows = 4;

export class NearDuplicates {
  readonly #minHash = new MinHash(bands * rows, 0x5eed);
  readonly #buckets = Array.from({ length: bands }, () => new Map<string, string[]>());
  readonly #grams = new Map<string, ReadonlySet<string>>();

  /** One kept before that is as like as `duplicateLikeness` or more; where there is none, keeps it and gives null. */
  check(id: string, parts: readonly string[]): { id: string; likeness: number } | null {
    const grams = characterGrams(parts);
    const signature = this.#minHash.signature(grams);
    const keys = this.#buckets.map((_, band) => signature.slice(band * rows, (band + 1) * rows).join());
    const candidates = new Set(
      this.#buckets.flatMap((bucket, band) => bucket.get(keys[band] as string) ?? []),
    );
    for (const candidate of candidates) {
      const likeness = jaccard(grams, this.#grams.get(candidate) ?? new Set());
      if (likeness >= duplicateLikeness) return { id: candidate, likeness };
    }
    this.#grams.set(id, grams);
    for (const [band, bucket] of this.#buckets.entries()) {
      const key = keys[band] as string;
      const ids = bucket.get(key);
      if (ids) ids.push(id);
      else bucket.set(key, [id]);
    }
    return null;
  }
}
