/**
 * Packs sentences into spans of a wanted size with overlap, never cutting a sentence.
 *
 * From the start of a span, every end that keeps it within `max` tokens is a candidate. The best one is near
 * `target`, at a paragraph end rather than inside a paragraph, not below `min`, not right after a heading, leaves
 * no crumb for the next span, and ends in sentences that make a fitting overlap. The next span starts with the last sentences of this one: as few as reach
 * `overlap.min` of its tokens, without exceeding `overlap.max`; none where one sentence alone exceeds it.
 */

export interface Sentence {
  /** Without white space at its end. */
  text: string;
  /** What stands before it unless it opens a span: ' ' or '\n'. */
  separator: string;
  tokens: number;
  /** The last sentence of its paragraph, list item or table. */
  endsParagraph: boolean;
  /** A heading inside the text: it stays with what follows and is not repeated as overlap. */
  isHeading?: boolean;
  /** Stands in a list item. */
  inList?: boolean;
}

export interface PackOptions {
  /** Tokens. A span may be smaller only where nothing is left to fill it. */
  min: number;
  target: number;
  max: number;
  /** Shares of a span's tokens, 0..1, that are repeated at the start of the next. */
  overlap: { min: number; max: number };
}

/** Sentences `start` (with overlap) to `end` (exclusive); `fresh` is the first one that no span held before. */
export interface Span {
  start: number;
  fresh: number;
  end: number;
}

/** Prose: 300 to 600 tokens, 10 to 20 % overlap. */
export const prose: PackOptions = { min: 300, target: 450, max: 600, overlap: { min: 0.1, max: 0.2 } };
/** Short forms (lists): up to 400 tokens, about 20 of them repeated. */
export const shortForm: PackOptions = { min: 200, target: 360, max: 400, overlap: { min: 0.05, max: 0.1 } };

/** Sentences longer than `max` must have been cut before; one that is too long gets a span of its own. */
export function packSentences(sentences: readonly Sentence[], options: PackOptions): Span[] {
  const sums = [0];
  for (const sentence of sentences) sums.push((sums.at(-1) as number) + sentence.tokens);
  const size = (start: number, end: number): number => (sums[end] as number) - (sums[start] as number);
  const spans: Span[] = [];
  let fresh = 0;
  let start = 0;
  while (fresh < sentences.length) {
    while (start < fresh && size(start, fresh + 1) > options.max) start += 1;
    const end = bestEnd(sentences, size, start, fresh, options);
    spans.push({ start, fresh, end });
    start = end - overlapLength(sentences, size, fresh, end, size(start, end), options);
    fresh = end;
  }
  return spans;
}

function bestEnd(
  sentences: readonly Sentence[],
  size: (start: number, end: number) => number,
  start: number,
  fresh: number,
  options: PackOptions,
): number {
  const last = sentences.length;
  if (size(start, last) <= options.max) return last;
  let best = fresh + 1;
  let bestCost = Number.POSITIVE_INFINITY;
  for (let end = fresh + 1; end < last && size(start, end) <= options.max; end += 1) {
    const sentence = sentences[end - 1] as Sentence;
    const tokens = size(start, end);
    let cost = Math.abs(tokens - options.target) / options.target;
    if (tokens < options.min) cost += 1;
    if (!sentence.endsParagraph) cost += 0.2;
    if (sentence.isHeading) cost += 5;
    if (size(end, last) < options.min / 2) cost += 0.5;
    const overlap = overlapLength(sentences, size, fresh, end, tokens, options);
    if (size(end - overlap, end) < options.overlap.min * tokens) cost += 0.3;
    if (cost < bestCost) {
      bestCost = cost;
      best = end;
    }
  }
  return best;
}

function overlapLength(
  sentences: readonly Sentence[],
  size: (start: number, end: number) => number,
  fresh: number,
  end: number,
  tokens: number,
  options: PackOptions,
): number {
  if (end >= sentences.length) return 0;
  for (let length = 1; end - length > fresh; length += 1) {
    if (sentences[end - length]?.isHeading) return length - 1;
    const share = size(end - length, end) / tokens;
    if (share > options.overlap.max) return length - 1;
    if (share >= options.overlap.min) return length;
  }
  return 0;
}
