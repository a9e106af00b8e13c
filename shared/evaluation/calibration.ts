/**
 * Expected calibration error: |accuracy − mean confidence| of each of ten equal-width bins of confidence, weighted
 * by the bin's share of the answers (Naeini et al. 2015; Guo et al. 2017). A bin includes its lower edge, the last
 * one both. 0 for no answers.
 */
export function expectedCalibrationError(
  answers: readonly { confidence: number; correct: boolean }[],
  bins = 10,
): number {
  // Per bin: Σ (correct − confidence), whose absolute value is the bin's gap times its size.
  const gaps = new Float64Array(bins);
  for (const { confidence, correct } of answers) {
    const bin = Math.min(bins - 1, Math.floor(confidence * bins));
    gaps[bin] = (gaps[bin] as number) + Number(correct) - confidence;
  }
  return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / Math.max(1, answers.length);
}
