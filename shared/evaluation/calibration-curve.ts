/** How often answers of a confidence are right: what a reliability plot shows (Guo et al. 2017). */
import { expectedCalibrationError } from './calibration.js';
import { mean } from './mean.js';

/** A bin of confidence, from `from` to `to`. */
export type CalibrationBin = {
  from: number;
  to: number;
  answers: number;
  /** Null where the bin is empty. */
  confidence: number | null;
  accuracy: number | null;
};

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
      confidence: meanOf(group.map(({ confidence }) => confidence)),
      accuracy: meanOf(group.map(({ correct }) => Number(correct))),
    })),
    expectedError: expectedCalibrationError(answers, bins),
  };
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : mean(values);
}
