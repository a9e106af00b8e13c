/**
 * How pairs of responses lie in a batch, and the weights of their tokens:
 *
 * ```
 * tokens 0 … T/2     chosen responses (the teacher's), after their prompts
 * tokens T/2 … T     rejected responses (the student's), after theirs
 * weight             (2 − β) / (pairs · tokens of its response)   chosen
 *                    β / (pairs · tokens of its response)         rejected
 *                    0                                            prompts, padding
 * ```
 *
 * so that Σ weight · divergence is the mean over pairs of (2−β)·SKL + β·SRKL, each a mean over its response's tokens.
 * Where pairs lie inside a half is the caller's: one to a row, or several packed.
 */
export interface PairBatch {
  /** Pairs there is room for; the last batch may hold fewer. */
  pairs: number;
  /**
   * [T]: the pair that a token belongs to, 0..pairs − 1, where the next token is one of its response; else −1
   * (logits of a token predict the next one).
   */
  pairOf: Int32Array;
}

/** Which pairs of a batch are there. @throws RangeError where a pair has one response only, or there is no such pair */
export function presentPairs({ pairs, pairOf }: PairBatch): number[] {
  const counts = responseTokens({ pairs, pairOf });
  return [...Array(pairs).keys()].filter((pair) => {
    const [chosen, rejected] = [counts[pair]!, counts[pairs + pair]!];
    if (chosen > 0 !== rejected > 0) {
      const missing = chosen > 0 ? 'rejected' : 'chosen';
      throw new RangeError(`pair ${pair} of the batch has no token of its ${missing} response`);
    }
    return chosen > 0;
  });
}

/**
 * Weights of the tokens, [T, 1].
 * @param pairsPerStep pairs of all batches of an optimizer step
 */
export function distillm2Weights(batch: PairBatch, beta: number, pairsPerStep: number): Float32Array {
  presentPairs(batch);
  const { pairs, pairOf } = batch;
  const counts = responseTokens(batch);
  const half = pairOf.length / 2;
  return Float32Array.from(pairOf, (pair, token) => {
    if (pair < 0) return 0;
    const isChosen = token < half;
    const share = isChosen ? 2 - beta : beta;
    return share / (pairsPerStep * counts[isChosen ? pair : pairs + pair]!);
  });
}

/** Row `pair` takes the mean over a response's tokens: 1 / count at each of its chosen and of its rejected. [pairs, T] */
export function pairMeans(batch: PairBatch): Float32Array {
  const { pairs, pairOf } = batch;
  const tokens = pairOf.length;
  const counts = responseTokens(batch);
  const means = new Float32Array(pairs * tokens);
  for (const [token, pair] of pairOf.entries()) {
    if (pair >= 0) means[pair * tokens + token] = 1 / counts[token < tokens / 2 ? pair : pairs + pair]!;
  }
  return means;
}

/** Tokens of the chosen responses, then of the rejected ones. [2 · pairs] */
function responseTokens({ pairs, pairOf }: PairBatch): Int32Array {
  if (pairOf.length % 2 !== 0)
    throw new RangeError(`pairs lie in two halves, not in ${pairOf.length} tokens`);
  const counts = new Int32Array(2 * pairs);
  for (const [token, pair] of pairOf.entries()) {
    if (pair >= pairs) throw new RangeError(`token ${token} is of pair ${pair}, of ${pairs}`);
    if (pair >= 0) counts[token < pairOf.length / 2 ? pair : pairs + pair]!++;
  }
  return counts;
}
