/**
 * The key of a cached result: bundle, options, and the normalised question.
 *
 * Normalised means NFC, runs of spaces and tabs folded to one space, blank lines and edges dropped. Line
 * breaks stay: `A?⏎1 x⏎2 y` is a multiple-choice question and `A? 1 x 2 y` is not, so they must not share
 * an answer.
 */
export function normalizeQuestion(question: string): string {
  return question
    .normalize('NFC')
    .split(/\r\n|[\r\n\u2028\u2029]/u)
    .map((line) => line.replace(/[^\S\n]+/gu, ' ').trim())
    .filter((line) => line !== '')
    .join('\n');
}

/** `options` may be any JSON value; the order of its keys does not matter, absent and `undefined` are equal. */
export function cacheKey(bundleId: string, options: unknown, question: string): string {
  return `${bundleId}\u0000${stableJson(options)}\u0000${normalizeQuestion(question)}`;
}

/** JSON with the keys of every object in code-unit order. */
export function stableJson(value: unknown): string {
  return (
    JSON.stringify(value, (_, inner: unknown) =>
      inner !== null && typeof inner === 'object' && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
        : inner,
    ) ?? 'null'
  );
}
