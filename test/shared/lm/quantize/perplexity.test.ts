import t from 'tap';
import type { Decoder, KvCache } from '../../../../shared/lm/decoder.js';
import { measurePerplexity } from '../../../../shared/lm/quantize/perplexity.js';

/**
 * A decoder that knows the text only by its cache: it gives the token after `context` the log-probability
 * −1 − (id mod 5) − 1 / (tokens it can see), so every number tells what was asked with how much context.
 */
function recordingDecoder() {
  const asked: { target: number; context: number }[] = [];
  let length = 0;
  const cache = {
    truncate: (_slot: number, to: number) => {
      length = to;
    },
  } as KvCache;
  const decoder = {
    config: { maxPositions: 64 },
    createCache: (_slots: number, capacity: number) => {
      if (capacity > 64) t.fail(`a cache of ${capacity}`);
      return cache;
    },
    async step({ rows, wanted, targets }: Parameters<Decoder['step']>[0]) {
      const { tokens } = rows[0]!;
      const before = length;
      length += tokens.length;
      const places = wanted ?? [[0, tokens.length - 1] as const];
      const logprobs = Float32Array.from(places, ([, index], i) => {
        const target = targets![i]!;
        const context = before + index + 1;
        if (wanted) asked.push({ target, context });
        return -1 - (target % 5) - 1 / context;
      });
      return { logits: new Float32Array(0), logprobs };
    },
  } as unknown as Decoder;
  return { decoder, asked };
}

t.test('every token but the first is scored once, with enough before it', async (t) => {
  for (const [count, window, stride] of [
    [2, 64, 32],
    [10, 64, 32],
    [65, 64, 32],
    [66, 64, 63],
    [200, 64, 1],
    [500, 16, 5],
    [64, 2, 1],
  ] as const) {
    const { decoder, asked } = recordingDecoder();
    const ids = Array.from({ length: count }, (_, i) => i);
    const { tokens, meanNll, perplexity } = await measurePerplexity(decoder, ids, { window, stride });
    t.equal(tokens, count - 1);
    t.strictSame(
      asked.map(({ target }) => target),
      ids.slice(1),
      `${count} tokens in windows of ${window} by ${stride}`,
    );
    const tooShort = asked.filter(({ target, context }) => context < Math.min(target, window - stride));
    t.strictSame(tooShort, [], 'at least window − stride tokens are seen');
    const wanted =
      asked.reduce((sum, { target, context }) => sum + 1 + (target % 5) + 1 / context, 0) / tokens;
    t.ok(Math.abs(meanNll - wanted) < 1e-5);
    t.ok(Math.abs(perplexity - Math.exp(wanted)) < 1e-3);
  }
});

t.test(
  'windows default to what the model can hold; bits per byte count the scored share of bytes',
  async (t) => {
    const { decoder, asked } = recordingDecoder();
    const ids = Array.from({ length: 101 }, () => 0);
    const { meanNll, bitsPerByte } = await measurePerplexity(decoder, ids, { bytes: 303 });
    t.equal(Math.max(...asked.map(({ context }) => context)), 64);
    t.ok(Math.abs(bitsPerByte! - meanNll / Math.LN2 / 3) < 1e-9);
    t.equal((await measurePerplexity(recordingDecoder().decoder, ids)).bitsPerByte, null);
  },
);

t.test('what cannot be measured is refused, and a signal stops it', async (t) => {
  const { decoder } = recordingDecoder();
  await t.rejects(measurePerplexity(decoder, [1]), RangeError);
  await t.rejects(measurePerplexity(decoder, [1, 2], { window: 8, stride: 8 }), RangeError);
  await t.rejects(measurePerplexity(decoder, [1, 2], { signal: AbortSignal.abort() }), {
    name: 'AbortError',
  });
});
