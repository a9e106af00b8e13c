/**
 * β of DistiLLM-2, the weight of SRKL on rejected responses (SKL on chosen ones has 2 − β):
 *
 * ```
 * released   β = 1
 * paper      β = 1 + 0.5 · min(1, 2 · step / maxSteps)         1 → 1.5 over the first half, then 1.5
 * ```
 */
export function betaAt(form: 'released' | 'paper', step: number, maxSteps: number): number {
  if (!(step >= 0 && maxSteps > 0)) {
    throw new RangeError(`β wants step ≥ 0 and maxSteps > 0, got step ${step} of ${maxSteps}`);
  }
  return form === 'released' ? 1 : 1 + 0.5 * Math.min(1, (2 * step) / maxSteps);
}
