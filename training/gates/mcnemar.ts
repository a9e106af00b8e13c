/**
 * The exact test of McNemar (1947) for two models on the same questions. Only questions that one of them answers right
 * and the other wrong tell them apart; were they equally good, each of those would fall to either side like a coin.
 *
 *   p = min(1, 2 · P(X ≤ min(b, c))),   X ~ Binomial(b + c, ½)
 */

/**
 * Two-sided p-value.
 * @param onlyFirst questions that only the first answers right; `onlySecond` alike
 */
export function mcnemarExact(onlyFirst: number, onlySecond: number): number {
  const n = onlyFirst + onlySecond;
  const least = Math.min(onlyFirst, onlySecond);
  // log C(n, k) grows by log((n − k) / (k + 1)): no factorial overflows, no tail underflows before it is nothing.
  let logTerm = -n * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= least; k++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log((n - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}
