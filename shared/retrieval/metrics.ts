/**
 * Ranking metrics with binary relevance (qrels): recall@k, reciprocal rank, nDCG@k.
 *
 *   nDCG@k = Σ_{i≤k} rel_i / log2(i + 1)  /  Σ_{i≤min(k,|rel|)} 1 / log2(i + 1)      (Järvelin, Kekäläinen 2002)
 */

/** Share of the relevant items among the first k; with one relevant item: found or not. */
export function recallAt<T>(k: number, ranked: readonly T[], relevant: ReadonlySet<T>): number {
  if (relevant.size === 0) return 0;
  const found = new Set(ranked.slice(0, k).filter((item) => relevant.has(item)));
  return found.size / relevant.size;
}

/** 1 / rank of the first relevant item, 0 if there is none. */
export function reciprocalRank<T>(ranked: readonly T[], relevant: ReadonlySet<T>): number {
  const index = ranked.findIndex((item) => relevant.has(item));
  return index < 0 ? 0 : 1 / (index + 1);
}

export function ndcgAt<T>(k: number, ranked: readonly T[], relevant: ReadonlySet<T>): number {
  let gain = 0;
  const seen = new Set<T>();
  for (const [index, item] of ranked.slice(0, k).entries()) {
    if (!relevant.has(item) || seen.has(item)) continue;
    seen.add(item);
    gain += 1 / Math.log2(index + 2);
  }
  let ideal = 0;
  for (let i = 0; i < Math.min(k, relevant.size); i++) ideal += 1 / Math.log2(i + 2);
  return ideal === 0 ? 0 : gain / ideal;
}
