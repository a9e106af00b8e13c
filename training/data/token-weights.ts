import type { AnswerSlots } from './answer-slots.js';

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

/**
 * The same where each response counts alike, however long it is: 1 / (`responses` · tokens of its response).
 *
 * @param responses of the whole step, see `responsesOf`
 * @returns float32 [N, 1]
 */
export function responseWeights({ positions, sequences }: AnswerSlots, responses: number): Float32Array {
  const weights = new Float32Array(positions.length);
  for (const { slots } of sequences) {
    for (const slot of slots) weights[slot] = 1 / (responses * slots.length);
  }
  return weights;
}

/** Responses of a batch, those without a token aside. */
export function responsesOf({ sequences }: AnswerSlots): number {
  return sequences.filter(({ slots }) => slots.length > 0).length;
}
