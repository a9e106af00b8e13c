/**
 * The learning rate of each step: linear warm-up, then a cosine, a line, or a constant.
 *
 * As `get_cosine_schedule_with_warmup`, `get_linear_schedule_with_warmup` and `get_constant_schedule_with_warmup` of
 * Hugging Face transformers, with two differences: decay can end at a fraction of the peak, and after the last step
 * it stays there.
 */

export interface LearningRateSchedule {
  readonly kind: 'cosine' | 'linear' | 'constant';
  /** The learning rate after the warm-up, the highest. */
  readonly peak: number;
  /** Steps over which it rises from 0; 0 = none. */
  readonly warmupSteps: number;
  /** Steps of the whole run, warm-up included. */
  readonly totalSteps: number;
  /** What is left of the peak after the last step, 0 to 1; no concern of `constant`. */
  readonly finalFraction: number;
}

/**
 * @param step how many steps were made before, from 0; so the first step of a warm-up has a learning rate of 0, as in
 *   transformers
 */
export function learningRateAt(schedule: LearningRateSchedule, step: number): number {
  const { kind, peak, warmupSteps, totalSteps, finalFraction } = schedule;
  if (step < warmupSteps) {
    return (peak * step) / warmupSteps;
  }
  if (kind === 'constant') {
    return peak;
  }
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  const left = kind === 'cosine' ? 0.5 * (1 + Math.cos(Math.PI * progress)) : 1 - progress;
  return peak * (finalFraction + (1 - finalFraction) * left);
}
