/** Which part of a sequence trains, where it is longer than a row. */
import type { TokenCorpus } from './token-corpus.js';

export interface FitOptions {
  /** Positions of a row. */
  length: number;
  /** `truncate`: see `fitSequence`. `drop`: leave such sequences out. Default `truncate`. */
  tooLong?: 'truncate' | 'drop';
  /** Longest prompt in tokens; longer ones lose their beginning, whatever room there is. Default: no limit. */
  maxPromptTokens?: number;
}

/** Tokens `from` ≤ t ≤ `to`: the last one is only a label. */
export interface FittedSequence {
  from: number;
  to: number;
  isTruncated: boolean;
}

/**
 * The prompt loses its beginning, but not below half a row; what is too long then loses the end of the response.
 * (Published recipes keep a prompt of 512 in 1,024 tokens.) Null: the sequence is left out, since it is too long and
 * those are dropped, or has no token to learn.
 */
export function fitSequence(
  corpus: TokenCorpus,
  sequence: number,
  { length, tooLong = 'truncate', maxPromptTokens = Infinity }: FitOptions,
): FittedSequence | null {
  const tokens = corpus.sequenceLength(sequence);
  if (tokens < 2) return null;
  const room = length + 1;
  const prompt = corpus.promptLength(sequence);
  const response = tokens - prompt;
  const keptPrompt = Math.min(prompt, maxPromptTokens, Math.max(room - response, Math.floor(length / 2)));
  const keptResponse = Math.min(response, room - keptPrompt);
  const isTruncated = keptPrompt < prompt || keptResponse < response;
  if (keptPrompt + keptResponse < 2 || (isTruncated && tooLong === 'drop')) return null;
  const from = prompt - keptPrompt;
  return { from, to: prompt + keptResponse - 1, isTruncated };
}
