/** Seeded vectors, and the slow obvious search that everything is compared with. */

import { seededRandom } from '../../../../shared/random.js';

/** n unit vectors [n · d]. */
export function randomVectors(n: number, d: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  const vectors = new Float32Array(n * d);
  for (let row = 0; row < n; row++) {
    let sum = 0;
    for (let i = 0; i < d; i++) {
      const value = random() + random() + random() - 1.5;
      vectors[row * d + i] = value;
      sum += value * value;
    }
    for (let i = 0; i < d; i++) vectors[row * d + i]! /= Math.sqrt(sum) || 1;
  }
  return vectors;
}

/** All rows sorted by score, in double precision: [{row, score}], best first, ties by row. */
export function bruteForce(
  vectors: Float32Array,
  d: number,
  query: Float32Array,
  metric: 'inner-product' | 'l2' = 'inner-product',
): { row: number; score: number }[] {
  const scored = Array.from({ length: vectors.length / d }, (_, row) => {
    let score = 0;
    for (let i = 0; i < d; i++) {
      const value = vectors[row * d + i]!;
      score += metric === 'l2' ? (value - query[i]!) ** 2 : value * query[i]!;
    }
    return { row, score };
  });
  const sign = metric === 'l2' ? 1 : -1;
  return scored.sort((a, b) => sign * (a.score - b.score) || a.row - b.row);
}

/**
 * What is wrong with these hits of one query, or undefined. Rows whose scores differ by less than the
 * tolerance may stand in any order; nothing better may be missing.
 */
export function wrongHits(
  hits: { labels: ArrayLike<number | bigint>; distances: ArrayLike<number> },
  truth: readonly { row: number; score: number }[],
  k: number,
  tolerance = 1e-5,
): string | undefined {
  const scores = new Map(truth.map(({ row, score }) => [row, score]));
  const seen = new Set<number>();
  for (let i = 0; i < k; i++) {
    const label = Number(hits.labels[i]);
    const expected = truth[i];
    if (expected === undefined) {
      if (label !== -1) return `hit ${i} is ${label}, but there are only ${truth.length} rows`;
      continue;
    }
    const score = scores.get(label);
    if (score === undefined || seen.has(label)) return `hit ${i} is row ${label}: unknown or repeated`;
    seen.add(label);
    if (Math.abs(score - hits.distances[i]!) > tolerance)
      return `row ${label} scores ${score}, got ${hits.distances[i]}`;
    if (Math.abs(score - expected.score) > tolerance)
      return `hit ${i} is row ${label}, row ${expected.row} is better`;
  }
  return undefined;
}
