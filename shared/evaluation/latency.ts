/** Times of single questions, milliseconds; percentiles by nearest rank: each is a time that was measured. */
import { mean } from './mean.js';

export type Latency = { p50: number; p99: number; mean: number };

/** Zeros of no times. */
export function latencyOf(times: readonly number[]): Latency {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), mean: mean(sorted) };
}
