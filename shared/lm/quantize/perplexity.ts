/**
 * How well a decoder predicts a text: exp of the mean negative natural log-probability of its tokens.
 *
 * The text is read in windows that overlap: every token but the first is scored once, with at least
 * `window − stride` tokens before it (as far as there are so many). Log-probabilities are taken inside the
 * runtime; logits do not cross into JavaScript. Perplexities compare between models of one tokenizer only, bits per
 * byte also across.
 */
import type { Decoder } from '../decoder.js';

export interface PerplexityOptions {
  /** Tokens a window holds, 2 to the model's positions. Default 512, or the model's positions where fewer. */
  window?: number;
  /** Tokens between the starts of two windows, 1 to window − 1. Default half a window. */
  stride?: number;
  /** UTF-8 bytes of the text, for bits per byte. */
  bytes?: number;
  /** Called after each window with the tokens scored so far. */
  onProgress?: (scored: number) => void;
  signal?: AbortSignal;
}

export interface Perplexity {
  /** Tokens scored: all but the first. */
  tokens: number;
  /** Mean negative log-probability, nats a token. */
  meanNll: number;
  /** exp(meanNll) */
  perplexity: number;
  /** Of the scored part, taken as `bytes · tokens / all tokens`; null where `bytes` was not given. */
  bitsPerByte: number | null;
}

/** Tokens of one step: bounds the logits inside the runtime. */
const stepTokens = 128;

/** @param ids of the text, at least 2 */
export async function measurePerplexity(
  decoder: Decoder,
  ids: readonly number[],
  options: PerplexityOptions = {},
): Promise<Perplexity> {
  const window = options.window ?? Math.min(512, decoder.config.maxPositions);
  const stride = options.stride ?? Math.floor(window / 2);
  if (ids.length < 2 || window < 2 || stride < 1 || stride >= window) {
    throw new RangeError(`no perplexity of ${ids.length} tokens in windows of ${window} by ${stride}`);
  }
  const cache = decoder.createCache(1, window);
  let nll = 0;
  let scored = 0; // ids[1 … scored] are done
  for (let start = 0; scored < ids.length - 1; start += stride) {
    options.signal?.throwIfAborted();
    cache.truncate(0, 0);
    // Position p of the text predicts ids[p + 1]; the last token of the text predicts nothing.
    const end = Math.min(start + window, ids.length - 1);
    for (let at = start; at < end; at += stepTokens) {
      const tokens = ids.slice(at, Math.min(at + stepTokens, end));
      const fresh = Math.max(0, scored - at); // first index of this step that predicts an unscored token
      if (fresh >= tokens.length) {
        // Context only: one target keeps the logits inside the runtime.
        await decoder.step({ cache, rows: [{ slot: 0, tokens }], targets: [ids[at + tokens.length]!] });
        continue;
      }
      const indices = Array.from({ length: tokens.length - fresh }, (_, i) => fresh + i);
      const { logprobs } = await decoder.step({
        cache,
        rows: [{ slot: 0, tokens }],
        wanted: indices.map((index) => [0, index] as const),
        targets: indices.map((index) => ids[at + index + 1]!),
      });
      for (const logprob of logprobs) nll -= logprob;
      scored += indices.length;
    }
    options.onProgress?.(scored);
  }
  const meanNll = nll / scored;
  const bytes = options.bytes === undefined ? null : (options.bytes * scored) / ids.length;
  return {
    tokens: scored,
    meanNll,
    perplexity: Math.exp(meanNll),
    bitsPerByte: bytes === null ? null : nll / Math.LN2 / bytes,
  };
}
