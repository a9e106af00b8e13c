/**
 * Expected calibration error: |accuracy − mean confidence| of each of ten equal-width bins of confidence, weighted
 * by the bin's share of the answers (Naeini et al. 2015; Guo et al. 2017).
 */
export function expectedCalibrationError(answers: readonly { confidence: number; correct: boolean }[], bins = 10): number {
  let error = 0;
  for (let bin = 0; bin < bins; bin++) {
    const members = answers.filter(({ confidence }) => Math.min(bins - 1, Math.floor(confidence * bins)) === bin);
    if (members.length === 0) continue;
    const accuracy = members.filter(({ correct }) => correct).length / members.length;
    const confidence = members.reduce((sum, member) => sum + member.confidence, 0) / members.length;
    error += (members.length / answers.length) * Math.abs(accuracy - confidence);
  }
  return error;
}
