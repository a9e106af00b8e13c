/**
 * Weights of a loss that is summed: 1 / `trainedTokens` where the mask is 1, so that Σ weight · loss over all
 * micro-batches of an optimizer step is the mean over its tokens. (Weights of response pairs: `losses/pair-batch.ts`.)
 *
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
