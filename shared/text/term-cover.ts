/**
 * How much of a set of terms a text holds: `cover(X, U)` is the weighted share of X's terms that occur in U, 0..1.
 */
export interface WeightedTerms {
  weights: ReadonlyMap<string, number>;
  total: number;
}

/** Each term once, with a weight ≥ 0 (usually its idf). */
export function weighTerms(terms: readonly string[], weight: (term: string) => number): WeightedTerms {
  const weights = new Map<string, number>();
  let total = 0;
  for (const term of terms) {
    if (weights.has(term)) continue;
    const value = weight(term);
    weights.set(term, value);
    total += value;
  }
  return { weights, total };
}

/** 0 for no terms. */
export function cover({ weights, total }: WeightedTerms, set: ReadonlySet<string>): number {
  if (total === 0) return 0;
  let sum = 0;
  for (const [term, weight] of weights) if (set.has(term)) sum += weight;
  return sum / total;
}
