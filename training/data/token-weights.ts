/**
 * Weights of a loss that is summed: Σ weight · loss of a token over all micro-batches of an optimizer step is a mean.
 */

/**
 * The mean over tokens: 1 / `trainedTokens` where the mask is 1.
 * @param trainedTokens of the whole step, all its micro-batches together; where there are none all weights are 0.
 * @returns float32 [T, 1]
 */
export function tokenWeights(mask: Uint8Array, trainedTokens: number): Float32Array {
  const weights = new Float32Array(mask.length);
  if (trainedTokens === 0) return weights;
  const weight = 1 / trainedTokens;
  for (let i = 0; i < mask.length; i++) weights[i] = mask[i]! * weight;
  return weights;
}

/**
 * The mean over the tokens of each response, then over pairs: 1 / (its tokens · `pairs`).
 * @param pairIndex [2 · T], see `PairBatch`.
 * @param pairs of the whole step, all its micro-batches together.
 * @returns float32 [2 · T, 1]: those of the chosen responses sum to the batch's share of 1, as do the rejected.
 */
export function pairWeights(pairIndex: Int32Array, pairs: number): Float32Array {
  const weights = new Float32Array(pairIndex.length);
  const half = pairIndex.length / 2;
  for (const side of [0, 1]) {
    const indices = pairIndex.subarray(side * half, (side + 1) * half);
    const tokens = new Map<number, number>();
    for (const pair of indices) tokens.set(pair, (tokens.get(pair) ?? 0) + 1);
    for (const [i, pair] of indices.entries()) {
      if (pair >= 0) weights[side * half + i] = 1 / (tokens.get(pair)! * pairs);
    }
  }
  return weights;
}
