/** Whether a quantised model may stand for the one it was made from. */

export interface QuantizationCost {
  /** Perplexity, quantised by float. */
  perplexityRatio: number;
  /** Null where no question could be asked. */
  choices: { questions: number; agreement: number } | null;
}

export interface QuantizationLimits {
  maxPerplexityRatio: number;
  minAgreement: number;
}

export function quantizationGate(
  { perplexityRatio, choices }: QuantizationCost,
  { maxPerplexityRatio, minAgreement }: QuantizationLimits,
): { passed: boolean; sentence: string } {
  const figures = [
    `perplexity × ${perplexityRatio.toFixed(4)} (at most ${maxPerplexityRatio})`,
    choices === null
      ? 'no question to compare choices on'
      : `the same choice in ${(100 * choices.agreement).toFixed(1)} % of ${choices.questions} questions (at least ${100 * minAgreement} %)`,
  ].join(', ');
  // NaN, of a model that computes nothing of sense, is no figure below a limit.
  const passed =
    perplexityRatio <= maxPerplexityRatio && (choices === null || choices.agreement >= minAgreement);
  return {
    passed,
    sentence: passed
      ? `The quantised student passes: ${figures}.`
      : `The quantised student costs too much: ${figures}. Choose 8 bits, a smaller block or calibrated, or allow more in quantize of the configuration.`,
  };
}
