import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Checkpoint } from '../../../../shared/lm/checkpoint.js';
import type { Decoder } from '../../../../shared/lm/decoder.js';
import { readDecoderConfig } from '../../../../shared/lm/decoder-config.js';
import { openDecoder } from '../../../../shared/lm/open-decoder.js';
import { openCalibration } from '../../../../shared/lm/quantize/calibration.js';
import { calibrationSequences } from '../../../../shared/lm/quantize/calibration-text.js';
import { openMatrixProducts } from '../../../../shared/lm/quantize/matrix-products.js';
import { measureQuality } from '../../../../shared/lm/quantize/measure-quality.js';
import { measurePerplexity } from '../../../../shared/lm/quantize/perplexity.js';
import { blockLayers } from '../../../../shared/lm/quantize/plan-layers.js';
import { dequantizeBlocks } from '../../../../shared/lm/quantize/quantize-blocks.js';
import { type QuantizeMethod, quantizeFolder } from '../../../../shared/lm/quantize/quantize-folder.js';
import { openTensorReader } from '../../../../shared/lm/quantize/tensor-reader.js';
import { openTokenizer } from '../../../../shared/lm/tokenizer.js';

// Trained on statutes other than the one that is measured on (test/reference/tiny_trained.py).
const root = fileURLToPath(new URL('../../../../', import.meta.url));
const model = join(root, 'test/fixtures/tiny-trained');
const statute = (name: string) => readFile(join(root, 'data/raw/law-md', `${name}.md`), 'utf8');
const layout = { bits: 4, blockSize: 32, headBits: 8, embedding: 'checkpoint' } as const;

const folder = t.testdir({});
const tokenizer = await openTokenizer(join(model, 'tokenizer.json'));
const sequences = await calibrationSequences(await statute('은행법'), tokenizer, { length: 256, count: 48 });
const text = (await statute('한국은행법')).slice(2000, 6000);
const outOf = (method: QuantizeMethod) => join(folder, method);
for (const method of ['rtn', 'rtn-search', 'gptq'] as const) {
  await quantizeFolder({ ...layout, model, out: outOf(method), method, sequences });
}

async function withDecoder<T>(path: string, use: (decoder: Decoder) => Promise<T>): Promise<T> {
  const decoder = await openDecoder(path, { threads: 1 });
  try {
    return await use(decoder);
  } finally {
    await decoder.close();
  }
}

t.test('perplexity on unseen text: calibration makes up for most of what rounding costs', async (t) => {
  const ids = await tokenizer.encode(text, { addSpecialTokens: false });
  const measure = (path: string) =>
    withDecoder(path, async (decoder) => (await measurePerplexity(decoder, ids)).perplexity);
  const float = await measure(model);
  const rounded = await measure(outOf('rtn'));
  const calibrated = await measure(outOf('gptq'));
  t.comment(`float32 ${float.toFixed(4)}, rtn ${rounded.toFixed(4)}, gptq ${calibrated.toFixed(4)}`);
  t.ok(float < 4, 'the model has learnt something: 256 would be chance');
  t.ok(rounded > float * 1.05, 'rounding is felt');
  t.ok(calibrated - float < (rounded - float) / 2, 'calibration takes back more than half of it');
});

t.test('windows that overlap give what one forward pass over each window gives', async (t) => {
  const ids = (await tokenizer.encode(text, { addSpecialTokens: false })).slice(0, 600);
  await withDecoder(model, async (decoder) => {
    const cache = decoder.createCache(1, 200);
    const logprobs = new Array<number>(ids.length - 1);
    for (let start = 0; start < ids.length - 1; start += 100) {
      const tokens = ids.slice(start, Math.min(start + 200, ids.length - 1));
      const targets = ids.slice(start + 1, start + 1 + tokens.length);
      cache.truncate(0, 0);
      const wanted = tokens.map((_, i) => [0, i] as const);
      const result = await decoder.step({ cache, rows: [{ slot: 0, tokens }], wanted, targets });
      result.logprobs.forEach((logprob, i) => {
        logprobs[start + i] ??= logprob;
      });
    }
    const naive = -logprobs.reduce((sum, logprob) => sum + logprob, 0) / logprobs.length;
    const { meanNll, tokens } = await measurePerplexity(decoder, ids, { window: 200, stride: 100 });
    t.equal(tokens, 599);
    t.ok(Math.abs(meanNll - naive) < 1e-5, `${meanNll} and ${naive}`);
  });
});

t.test('every linear layer loses less of its output by calibration than by rounding', async (t) => {
  const config = await readDecoderConfig(model);
  const reader = openTensorReader((await Checkpoint.open(model)).tensors);
  const products = await openMatrixProducts(1);
  const calibration = await openCalibration({ config, reader, sequences, products, threads: 1 });
  const weights = await calibration.readBlock(0);
  const hessians = await calibration.hessians(0, weights);
  for (const { name, parts } of blockLayers) {
    const hessian = hessians.get(name)!;
    const k = Math.sqrt(hessian.length);
    const original = parts.flatMap((part) => [...weights.get(`${part}.weight`)!]);
    const lost = async (method: QuantizeMethod) => {
      const checkpoint = await Checkpoint.open(outOf(method));
      const { path, offset, length } = checkpoint.tensor(`model.layers.0.${name}.qweight`);
      const qweight = new Uint8Array((await readFile(path)).subarray(offset, offset + length));
      const scales = await checkpoint.read(`model.layers.0.${name}.scales`);
      const back = dequantizeBlocks({ qweight, scales }, { bits: 4, block: 32 });
      // Σ e H eᵀ over the rows e of W − Ŵ; of H there is the lower triangle.
      let sum = 0;
      for (let at = 0; at < back.length; at += k) {
        const error = original.slice(at, at + k).map((w, i) => w - back[at + i]!);
        for (let i = 0; i < k; i++) {
          for (let j = 0; j <= i; j++) sum += error[i]! * error[j]! * hessian[i * k + j]! * (i === j ? 1 : 2);
        }
      }
      return sum;
    };
    const [rounded, calibrated] = [await lost('rtn'), await lost('gptq')];
    t.ok(calibrated < rounded * 0.7, `${name}: ${(calibrated / rounded).toFixed(3)} of the error`);
  }
  await Promise.all([calibration.close(), products.close(), reader.close()]);
});

t.test('the report compares perplexity and picked choices with the checkpoint', async (t) => {
  const questions = ['은행', '법', '대통령령으로'].map((word) => ({
    stem: '다음 중 옳은 것은?',
    choices: [`${word}이란 무엇인가`, 'qqqqqqqqq'],
    answer: 0,
  }));
  const options = { text, maxTokens: 700, questions, threads: 1 };
  const quality = await measureQuality(model, outOf('gptq'), options);
  t.equal(quality.tokens, 699);
  t.strictSame(quality.choices, {
    questions: 3,
    agreement: 1,
    accuracy: { reference: 1, quantized: 1 },
  });
  t.ok(quality.perplexity.ratio > 1 && quality.perplexity.ratio < 1.2);
  t.equal(quality.perplexity.ratio, quality.perplexity.quantized / quality.perplexity.reference);
  t.ok(
    Math.abs(quality.bitsPerByte.reference - Math.log2(quality.perplexity.reference)) < 0.02,
    'a byte a token',
  );
  const same = await measureQuality(model, model, { ...options, questions: [] });
  t.strictSame([same.perplexity.ratio, same.choices], [1, null]);
  await t.rejects(measureQuality(model, model, { ...options, text: 'a' }), { code: 'USAGE' });
});
