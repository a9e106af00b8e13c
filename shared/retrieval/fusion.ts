/**
 * Fusion of ranked lists.
 *
 *   min-max   s'(d) = (s(d) − min) / (max − min) over the candidate set (max = min → 1; missing → 0);  Σ wᵢ·s'ᵢ(d)
 *   RRF       Σ wᵢ / (k + rankᵢ(d)), divided by its maximum Σ wᵢ / (k + 1), so that it also lies in 0..1
 *             (Cormack, Clarke, Büttcher 2009)
 */

/** One list, best first: rows of the index with raw scores. */
export interface RankedList {
  rows: ArrayLike<number>;
  scores: ArrayLike<number>;
}

export interface FusedHit {
  row: number;
  fused: number;
  /** Raw score per list; null where the list does not hold the row. */
  raw: (number | null)[];
}

/** Weights must be ≥ 0; one per list. Ties keep the smaller row first, so results are the same on every run. */
export function fuseMinMax(lists: readonly RankedList[], weights: readonly number[]): FusedHit[] {
  const hits = new Map<number, FusedHit>();
  for (const [index, list] of lists.entries()) {
    const weight = weights[index] ?? 0;
    const { min, max } = extent(list.scores);
    const range = max - min;
    for (let i = 0; i < list.rows.length; i++) {
      const score = list.scores[i] as number;
      const hit = hitOf(hits, list.rows[i] as number, lists.length);
      hit.raw[index] = score;
      hit.fused += weight * (range > 0 ? (score - min) / range : 1);
    }
  }
  return sorted(hits);
}

export function fuseReciprocalRank(
  lists: readonly RankedList[],
  weights: readonly number[],
  rrfK: number,
): FusedHit[] {
  const hits = new Map<number, FusedHit>();
  const highest = weights.reduce((sum, weight) => sum + weight, 0) / (rrfK + 1);
  for (const [index, list] of lists.entries()) {
    const weight = weights[index] ?? 0;
    for (let i = 0; i < list.rows.length; i++) {
      const hit = hitOf(hits, list.rows[i] as number, lists.length);
      hit.raw[index] = list.scores[i] as number;
      hit.fused += highest > 0 ? weight / (rrfK + i + 1) / highest : 0;
    }
  }
  return sorted(hits);
}

function hitOf(hits: Map<number, FusedHit>, row: number, lists: number): FusedHit {
  let hit = hits.get(row);
  if (!hit) {
    hit = { row, fused: 0, raw: new Array<number | null>(lists).fill(null) };
    hits.set(row, hit);
  }
  return hit;
}

function extent(scores: ArrayLike<number>): { min: number; max: number } {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] as number;
    if (score < min) min = score;
    if (score > max) max = score;
  }
  return { min, max };
}

function sorted(hits: Map<number, FusedHit>): FusedHit[] {
  return [...hits.values()].sort((a, b) => b.fused - a.fused || a.row - b.row);
}
