/** What `haetae lm perplexity` does: how well a model predicts a text, in windows that overlap. */
import { join } from 'node:path';
import { HaetaeError } from '../shared/errors.js';
import { openDecoder } from '../shared/lm/open-decoder.js';
import { measurePerplexity } from '../shared/lm/quantize/perplexity.js';
import { openTokenizer } from '../shared/lm/tokenizer.js';
import type { Progress } from '../shared/progress.js';

export interface MeasuredPerplexity {
  precision: string;
  loadMs: number;
  /** Tokens of the text; all but the first are scored. */
  tokens: number;
  /** Mean negative natural log-probability of a token. */
  meanNll: number;
  perplexity: number;
  bitsPerByte: number | null;
  /** Tokens of a window, and between the starts of two. */
  context: number;
  stride: number;
  /** Scored tokens by the time it took. */
  tokensPerSecond: number;
}

export interface MeasureOptions {
  folder: string;
  text: string;
  threads: number;
  /** Default 512, or all positions of a model that has fewer. */
  context?: number;
  /** Default: half the context. */
  stride?: number;
  signal: AbortSignal;
  /** Called once the model is open, with what it is. */
  onOpen: (description: string) => void;
  progress: (total: number) => Progress;
}

/** @throws HaetaeError USAGE where the text or a number does not fit the model; whatever opening throws */
export async function perplexityOfText(options: MeasureOptions): Promise<MeasuredPerplexity> {
  const { folder, text, threads, signal, progress } = options;
  const started = performance.now();
  const decoder = await openDecoder(folder, { threads });
  try {
    const tokenizer = await openTokenizer(join(folder, 'tokenizer.json'));
    const loadMs = performance.now() - started;
    options.onOpen(`${decoder.config.family}, ${decoder.precision}`);
    const { maxPositions } = decoder.config;
    const context = options.context ?? Math.min(512, maxPositions);
    if (context > maxPositions)
      throw new HaetaeError(
        'USAGE',
        `The model has ${maxPositions} positions; --context asks for ${context}.`,
      );
    const stride = options.stride ?? Math.floor(context / 2);
    if (stride >= context)
      throw new HaetaeError('USAGE', `--stride ${stride} must be less than --context ${context}.`);
    const ids = await tokenizer.encode(text, { addSpecialTokens: false });
    if (ids.length < 2)
      throw new HaetaeError('USAGE', `The text has ${ids.length} tokens; it takes two to predict one.`);
    const bar = progress(Math.ceil(ids.length / stride));
    const measuring = performance.now();
    try {
      const { tokens, meanNll, perplexity, bitsPerByte } = await measurePerplexity(decoder, ids, {
        window: context,
        stride,
        bytes: Buffer.byteLength(text),
        onProgress: () => bar.tick(),
        signal,
      });
      const seconds = (performance.now() - measuring) / 1000;
      return {
        ...{ precision: decoder.precision, loadMs, tokens: ids.length, meanNll, perplexity, bitsPerByte },
        ...{ context, stride, tokensPerSecond: tokens / seconds },
      };
    } finally {
      bar.stop();
    }
  } finally {
    await decoder.close();
  }
}
