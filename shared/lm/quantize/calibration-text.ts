/** A text to sequences of tokens of one length, spread evenly over it. */
import { HaetaeError } from '../../errors.js';
import type { Tokenizer } from '../tokenizer.js';

export interface CalibrationTextOptions {
  /** Tokens of a sequence. Default 512; all there are, where the text has fewer. */
  length?: number;
  /** Sequences at most. Default 64. */
  count?: number;
}

/** Characters that are tokenised at most: a longer text is read in slices spread over it. */
const maxCharacters = 2 ** 21;
const slices = 64;
/** Fewer say nothing of a matrix with hundreds of columns. */
const leastTokens = 128;

/** @throws HaetaeError USAGE where the text is too short */
export async function calibrationSequences(
  text: string,
  tokenizer: Tokenizer,
  { length = 512, count = 64 }: CalibrationTextOptions = {},
): Promise<number[][]> {
  const pieces = await tokenizer.encodeBatch(evenly(text), { addSpecialTokens: false });
  const longest = Math.max(...pieces.map((ids) => ids.length));
  if (longest < leastTokens) {
    throw new HaetaeError(
      'USAGE',
      `The calibration text has ${longest} tokens, at least ${leastTokens} are needed; ${length * count} are taken where there are so many. Name a longer text.`,
    );
  }
  const size = Math.min(length, longest);
  const windows = pieces.flatMap((ids) =>
    Array.from({ length: Math.floor(ids.length / size) }, (_, i) => ids.slice(i * size, (i + 1) * size)),
  );
  if (windows.length <= count) return windows;
  return Array.from({ length: count }, (_, i) => windows[Math.floor((i * windows.length) / count)]!);
}

function evenly(text: string): string[] {
  if (text.length <= maxCharacters) return [text];
  const size = maxCharacters / slices;
  return Array.from({ length: slices }, (_, i) => {
    const start = Math.floor((i * (text.length - size)) / (slices - 1));
    return text.slice(start, start + size);
  });
}
