/**
 * What rounds of alternating contenders are boiled down to. A machine drifts (neighbours, heat), so figures are
 * compared within a round, where both ran a moment apart, and the median of those ratios is reported.
 */
import { median } from './measure.js';

export interface Spread {
  median: number;
  /** The smallest and the largest. */
  min: number;
  max: number;
}

/** NaN where there are none. */
export function spreadOf(values: readonly number[]): Spread {
  return {
    median: median(values),
    min: values.length === 0 ? Number.NaN : Math.min(...values),
    max: values.length === 0 ? Number.NaN : Math.max(...values),
  };
}

/**
 * `ours[i] / theirs[i]` of rounds where both are there, as a spread; null where there is no such round.
 */
export function pairedRatio(
  ours: readonly (number | undefined)[],
  theirs: readonly (number | undefined)[],
): Spread | null {
  const ratios: number[] = [];
  for (const [round, own] of ours.entries()) {
    const other = theirs[round];
    if (own !== undefined && other !== undefined) ratios.push(own / other);
  }
  return ratios.length === 0 ? null : spreadOf(ratios);
}

/** Pearson's correlation of two rows of equally many numbers. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length || a.length === 0)
    throw new RangeError(`rows of ${a.length} and ${b.length} numbers cannot be compared`);
  let [sumA, sumB] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    sumA += a[i] as number;
    sumB += b[i] as number;
  }
  const [meanA, meanB] = [sumA / a.length, sumB / b.length];
  let [cross, squareA, squareB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const x = (a[i] as number) - meanA;
    const y = (b[i] as number) - meanB;
    cross += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  return cross / Math.sqrt(squareA * squareB);
}

/** Share of positions where two lists of tokens agree, 0..1. */
export function agreement(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length || a.length === 0)
    throw new RangeError(`lists of ${a.length} and ${b.length} tokens cannot be compared`);
  return a.filter((token, i) => token === b[i]).length / a.length;
}

/**
 * Growth per thousand calls by least squares over readings of memory at numbers of calls: one high reading at an
 * end does not make a leak, nor hide one.
 */
export function growthPerThousand(calls: readonly number[], readings: readonly number[]): number {
  const meanX = calls.reduce((sum, x) => sum + x, 0) / calls.length;
  const meanY = readings.reduce((sum, y) => sum + y, 0) / readings.length;
  let [cross, square] = [0, 0];
  for (const [i, x] of calls.entries()) {
    cross += (x - meanX) * ((readings[i] as number) - meanY);
    square += (x - meanX) ** 2;
  }
  return (1000 * cross) / square;
}
