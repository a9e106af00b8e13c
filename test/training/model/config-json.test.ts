import t from 'tap';
import { parseDecoderConfig } from '../../../shared/lm/decoder-config.js';
import type { DecoderConfig } from '../../../shared/lm/model-config.js';
import { decoderConfigJson, generationConfigJson } from '../../../training/model/config-json.js';
import { tinyConfig } from '../../fixtures/plain-decoder.js';

/** Round trips of the families of the reference cases are in decoder.test.ts. */
t.test('windows of some layers only are said by layer', async (t) => {
  const config: DecoderConfig = {
    ...tinyConfig,
    ...{ family: 'qwen3', qkNorm: true, nLayer: 4, slidingWindow: [7, null, 7, null] },
  };
  const json = decoderConfigJson(config, 'bfloat16');
  t.match(json, { use_sliding_window: true, sliding_window: 7, torch_dtype: 'bfloat16' });
  t.same(parseDecoderConfig(json, null, 'it'), config);
});

t.test('sampling defaults of the base are kept, its ends are those of the model', async (t) => {
  const base = { temperature: 0.7, eos_token_id: [1, 2], bos_token_id: 3 };
  t.same(generationConfigJson({ ...tinyConfig, eosTokenIds: [4], bosTokenId: null }, base), {
    temperature: 0.7,
    eos_token_id: 4,
    bos_token_id: null,
  });
  t.equal(generationConfigJson({ ...tinyConfig, eosTokenIds: [] }).eos_token_id, null);
});

t.test('what a family cannot say is refused', async (t) => {
  const quantization = { bits: 4, blockSize: 32, headBits: 8, embedding: 'head', method: 'rtn' } as const;
  const refused: [Partial<DecoderConfig>, RegExp][] = [
    [{ family: 'llama', slidingWindow: [4, 4] }, /family llama cannot say a sliding window/],
    [{ family: 'llama', qkvBias: true }, /cannot say qkvBias: true, outputBias: false/],
    [{ family: 'llama', qkNorm: true }, /cannot say qkNorm: true/],
    [{ family: 'mistral', qkvBias: true }, /family mistral cannot say biases/],
    [{ family: 'mistral', slidingWindow: [4, null] }, /cannot say layers of different windows/],
    [{ family: 'qwen2' }, /family qwen2 cannot say qkvBias: false/],
    [{ family: 'qwen3' }, /cannot say qkNorm: false/],
    [{ family: 'qwen3', qkNorm: true, slidingWindow: [4, 5] }, /windows of different sizes/],
    [{ quantization }, /cannot say quantised weights/],
  ];
  for (const [given, message] of refused) {
    t.throws(() => decoderConfigJson({ ...tinyConfig, ...given }, 'float32'), {
      code: 'MODEL_UNSUPPORTED',
      message,
    });
  }
});
