/**
 * Accuracy among the answers that were given with most confidence. Where several are equally sure on both sides of the
 * border, each counts for its share, so that the order of the questions decides nothing.
 */

/** Of the surer half, rounded up; null for no answers. */
export function confidentHalfAccuracy(
  answers: readonly { confidence: number; correct: boolean }[],
): number | null {
  const size = Math.ceil(answers.length / 2);
  if (size === 0) return null;
  const border = [...answers].sort((a, b) => b.confidence - a.confidence)[size - 1]?.confidence ?? 0;
  const surer = answers.filter(({ confidence }) => confidence > border);
  const equal = answers.filter(({ confidence }) => confidence === border);
  const right = (list: typeof answers): number => list.filter(({ correct }) => correct).length;
  return (right(surer) + (right(equal) * (size - surer.length)) / equal.length) / size;
}
