/**
 * What changes logits before a token is drawn, in place. One so far; the words are those of transformers.js.
 */
export interface LogitsProcessor {
  /** `logits` [vocabSize] belong to the decoder until its next step, and may be written to. */
  process(logits: Float32Array): void;
  /** Hears of each token that was drawn. */
  accept(id: number): void;
}

/**
 * Divides positive logits, and multiplies negative ones, of every token of the prompt and of the output so far:
 * once, however often it was seen (Keskar et al. 2019, CTRL, eq. 1; `RepetitionPenaltyLogitsProcessor`).
 */
export function repetitionPenalty(penalty: number, prompt: readonly number[]): LogitsProcessor {
  const seen = new Set(prompt);
  return {
    process(logits) {
      for (const id of seen) {
        const logit = logits[id]!;
        logits[id] = logit > 0 ? logit / penalty : logit * penalty;
      }
    },
    accept(id) {
      seen.add(id);
    },
  };
}
