import t from 'tap';
import { parseDecoderConfig } from '../../../shared/lm/decoder-config.js';
import {
  decoderParameters,
  headParameter,
  parameterCount,
} from '../../../training/model/decoder-parameters.js';
import { llamaConfig } from '../../../training/model/llama-config.js';
import { type TinyCheckpointOptions, tinyConfig, tinyShapes } from '../../fixtures/tiny-checkpoint.js';

const options: TinyCheckpointOptions[] = [
  { family: 'llama' },
  { family: 'llama', config: { attention_bias: true, num_key_value_heads: 1, head_dim: 24 } },
  { family: 'mistral' },
  { family: 'qwen2' },
  { family: 'qwen3', config: { attention_bias: true, tie_word_embeddings: false } },
];

for (const it of options) {
  t.test(
    `the tensors of a checkpoint, each once: ${it.family} ${JSON.stringify(it.config ?? {})}`,
    async (t) => {
      const json = tinyConfig(it);
      const config = parseDecoderConfig(json, null, 'tiny');
      const parameters = decoderParameters(config);
      const parts = parameters.flatMap(({ parts, shape }) =>
        parts.map(({ name, rows }) => [name, [rows, ...shape.slice(1)]] as const),
      );
      t.same(new Map(parts), new Map(tinyShapes(json)));
      t.equal(parts.length, tinyShapes(json).length);
      for (const { name, shape, parts, decay } of parameters) {
        t.equal(
          parts.reduce((sum, { rows }) => sum + rows, 0),
          shape[0],
          `${name}: the parts are its rows`,
        );
        t.equal(decay, shape.length === 2, name);
      }
      const names = parameters.map(({ name }) => name);
      t.equal(new Set(names).size, names.length);
      t.ok(names.includes(headParameter(config)));
    },
  );
}

t.test('a tied head counts once', async (t) => {
  const sizes = { vocabSize: 8192, hiddenSize: 256, nLayer: 6, nHead: 4, intermediateSize: 704 };
  const perLayer = 4 * 256 * 256 + 3 * 256 * 704 + 2 * 256;
  const tied = 8192 * 256 + 6 * perLayer + 256;
  t.equal(parameterCount(decoderParameters(llamaConfig(sizes))), tied);
  t.equal(parameterCount(decoderParameters(llamaConfig({ ...sizes, tiedHead: false }))), tied + 8192 * 256);
});

t.test('quantised weights cannot be trained', async (t) => {
  const quantization = { bits: 4, blockSize: 32, headBits: 8, embedding: 'head', method: 'gptq' } as const;
  const config = { ...llamaConfig({ vocabSize: 8, hiddenSize: 4, nLayer: 1, nHead: 1 }), quantization };
  t.throws(() => decoderParameters(config), {
    code: 'MODEL_UNSUPPORTED',
    message: /is quantised \(gptq, 4 bits\)/,
  });
});
