/** How often answers of a confidence are right: what a reliability plot shows (Guo et al. 2017). */
import { expectedCalibrationError } from '../../shared/evaluation/calibration.js';
import type { CalibrationBin } from '../stages/details.js';

export interface JudgedAnswer {
  /** 0..1. */
  confidence: number;
  correct: boolean;
}

/** Bins of equal width; a bin includes its lower edge, the last one both, as the expected error counts them. */
export function calibrationCurve(
  answers: readonly JudgedAnswer[],
  bins = 10,
): { bins: CalibrationBin[]; expectedError: number } {
  const groups: JudgedAnswer[][] = Array.from({ length: bins }, () => []);
  for (const answer of answers)
    groups[Math.min(bins - 1, Math.floor(answer.confidence * bins))]?.push(answer);
  return {
    bins: groups.map((group, index) => ({
      ...{ from: index / bins, to: (index + 1) / bins, answers: group.length },
      confidence: mean(group.map(({ confidence }) => confidence)),
      accuracy: mean(group.map(({ correct }) => Number(correct))),
    })),
    expectedError: expectedCalibrationError(answers, bins),
  };
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
