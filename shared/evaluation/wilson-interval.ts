/**
 * The interval of Wilson (1927) for a share k/n, at 95 %: unlike ± 1.96 standard errors it stays within 0..1, and says
 * something where all answers or none were right.
 *
 *   (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)
 */

/** A share with its Wilson interval of 95 %. */
export type Rate = { correct: number; questions: number; rate: number; low: number; high: number };

/** Two-sided 95 % point of the normal distribution. */
const z = 1.959963984540054;

/** Of no questions: a rate of 0, and an interval that says nothing. */
export function rateOf(correct: number, questions: number): Rate {
  if (questions === 0) return { correct, questions, rate: 0, low: 0, high: 1 };
  const p = correct / questions;
  const q = (z * z) / questions;
  const half = z * Math.sqrt((p * (1 - p) + q / 4) / questions);
  const edge = (value: number): number => Math.min(1, Math.max(0, value / (1 + q)));
  return {
    ...{ correct, questions, rate: p },
    low: correct === 0 ? 0 : edge(p + q / 2 - half),
    high: correct === questions ? 1 : edge(p + q / 2 + half),
  };
}

/** `0.612 (0.55 to 0.67)` */
export function rateText({ rate, low, high }: Rate): string {
  return `${rate.toFixed(3)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}
