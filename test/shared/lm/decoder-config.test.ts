import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parseDecoderConfig, readDecoderConfig } from '../../../shared/lm/decoder-config.js';
import { type TinyCheckpointOptions, tinyConfig } from '../../fixtures/tiny-checkpoint.js';

const parse = (
  family: NonNullable<TinyCheckpointOptions['family']>,
  config: Record<string, unknown> = {},
  generation: Record<string, unknown> | null = null,
) => parseDecoderConfig(tinyConfig({ family, config }), generation, 'MODEL');

t.test('what is left out takes the defaults of transformers', async (t) => {
  const bare = {
    model_type: 'llama',
    hidden_size: 64,
    intermediate_size: 96,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    vocab_size: 10,
  };
  t.same(parseDecoderConfig(bare, null, 'MODEL'), {
    family: 'llama',
    vocabSize: 10,
    hiddenSize: 64,
    intermediateSize: 96,
    nLayer: 2,
    nHead: 4,
    nKvHead: 4,
    headDim: 16,
    maxPositions: 2048,
    rmsNormEps: 1e-6,
    ropeTheta: 10_000,
    ropeScaling: { type: 'default' },
    qkvBias: false,
    outputBias: false,
    qkNorm: false,
    slidingWindow: [null, null],
    tiedHead: false,
    bosTokenId: null,
    eosTokenIds: [],
    quantization: null,
  });
  const mistral = parseDecoderConfig(
    { ...bare, model_type: 'mistral', num_key_value_heads: 2 },
    null,
    'MODEL',
  );
  t.same(mistral.slidingWindow, [4096, 4096]);
  t.equal(mistral.maxPositions, 131_072);
  const qwen3 = parseDecoderConfig({ ...bare, model_type: 'qwen3', num_key_value_heads: 2 }, null, 'MODEL');
  t.equal(qwen3.headDim, 128);
});

t.test('families differ in biases, norms and windows', async (t) => {
  t.match(parse('qwen2'), { qkvBias: true, outputBias: false, qkNorm: false, tiedHead: true });
  t.match(parse('qwen3'), { qkvBias: false, outputBias: false, qkNorm: true });
  t.match(parse('qwen3', { attention_bias: true }), { qkvBias: true, outputBias: true });
  t.match(parse('llama', { attention_bias: true }), { qkvBias: true, outputBias: true });
  t.same(parse('mistral', { sliding_window: 7 }).slidingWindow, [7, 7]);
  t.same(parse('mistral', { sliding_window: null }).slidingWindow, [null, null]);
  t.same(parse('qwen2', { sliding_window: 7 }).slidingWindow, [null, null], 'use_sliding_window is false');
  const windowed = { use_sliding_window: true, sliding_window: 7 };
  t.same(parse('qwen2', { ...windowed, max_window_layers: 1 }).slidingWindow, [null, 7]);
  t.same(parse('qwen2', windowed).slidingWindow, [null, null], '28 layers are full by default');
  const types = ['sliding_attention', 'full_attention'];
  t.same(parse('qwen3', { ...windowed, layer_types: types }).slidingWindow, [7, null]);
});

t.test('rotary parameters are read in the spelling of transformers 4 and of 5', async (t) => {
  const linear = { type: 'linear', factor: 2 };
  t.match(parse('llama', { rope_theta: 5, rope_scaling: linear }), { ropeTheta: 5, ropeScaling: linear });
  const five = { rope_theta: undefined, rope_parameters: { rope_type: 'linear', factor: 2, rope_theta: 5 } };
  t.match(parse('llama', five), { ropeTheta: 5, ropeScaling: linear });
  t.match(parse('llama', { rope_scaling: null }).ropeScaling, { type: 'default' });
  t.match(parse('llama', { rope_parameters: { rope_type: 'default', rope_theta: 9 } }), {
    ropeTheta: 9,
    ropeScaling: { type: 'default' },
  });
  const llama3 = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
  const original = { original_max_position_embeddings: 64 };
  t.same(parse('llama', { rope_scaling: { ...llama3, ...original } }).ropeScaling, {
    type: 'llama3',
    factor: 8,
    lowFreqFactor: 1,
    highFreqFactor: 4,
    originalMaxPositions: 64,
  });
  t.match(parse('llama', { rope_scaling: llama3 }).ropeScaling, { originalMaxPositions: 256 });
  t.match(parse('llama', { rope_scaling: llama3, ...original }).ropeScaling, { originalMaxPositions: 64 });
  const yarn = { rope_type: 'yarn', factor: 4, ...original };
  const expected = {
    type: 'yarn',
    factor: 4,
    originalMaxPositions: 64,
    betaFast: 32,
    betaSlow: 1,
    attentionFactor: 0.1 * Math.log(4) + 1,
    truncate: true,
  };
  t.same(parse('qwen2', { rope_scaling: yarn }).ropeScaling, expected);
  t.same(parse('qwen2', { rope_scaling: { ...yarn, factor: null } }).ropeScaling, expected, '256 / 64');
  t.match(parse('qwen2', { rope_scaling: { ...yarn, attention_factor: 0.5 } }).ropeScaling, {
    attentionFactor: 0.5,
  });
  t.match(parse('qwen2', { rope_scaling: { ...yarn, factor: 0.5 } }).ropeScaling, { attentionFactor: 1 });
  t.match(parse('qwen2', { rope_scaling: { ...yarn, mscale: 1, mscale_all_dim: 1 } }).ropeScaling, {
    attentionFactor: 1,
  });
});

t.test('ends of sequence are those of generation_config.json, else of config.json', async (t) => {
  t.same(parse('llama', { eos_token_id: 2 }).eosTokenIds, [2]);
  t.same(parse('llama', { eos_token_id: [2, 3] }).eosTokenIds, [2, 3]);
  t.same(parse('llama', { eos_token_id: 2 }, { eos_token_id: [4, 5] }).eosTokenIds, [4, 5]);
  t.same(parse('llama', { eos_token_id: 2 }, {}).eosTokenIds, [2]);
  t.same(parse('llama', { eos_token_id: null }).eosTokenIds, []);
});

t.test('our quantisation is read, any other is refused by name', async (t) => {
  const quantization_config = {
    quant_method: 'haetae',
    bits: 4,
    block_size: 32,
    head_bits: 8,
    embedding: 'head',
    method: 'rtn',
  };
  t.same(parse('qwen2', { quantization_config }).quantization, {
    bits: 4,
    blockSize: 32,
    headBits: 8,
    embedding: 'head',
    method: 'rtn',
  });
  for (const [change, message] of [
    [{ quant_method: 'gptq' }, /quantization_config\.quant_method: "gptq"; supported: haetae/],
    [{ bits: 3 }, /quantization_config\.bits: 3; supported: 4, 8/],
    [{ block_size: 16 }, /block_size: 16; supported: 32, 64, 128/],
    [{ embedding: undefined }, /embedding: nothing; supported: checkpoint, head/],
  ] as const) {
    t.throws(() => parse('qwen2', { quantization_config: { ...quantization_config, ...change } }), {
      code: 'MODEL_UNSUPPORTED',
      message,
    });
  }
});

t.test('what cannot be computed is MODEL_UNSUPPORTED with the field, what came and what can', async (t) => {
  for (const [family, config, message] of [
    ['llama', { model_type: 'gpt2' }, /model_type: "gpt2"; supported: llama, mistral, qwen2, qwen3/],
    ['llama', { model_type: undefined }, /model_type: nothing/],
    ['qwen2', { model_type: 'qwen2_moe' }, /model_type: "qwen2_moe"/],
    [
      'qwen2',
      { architectures: ['Qwen2ForSequenceClassification'] },
      /architectures: \["Qwen2ForSequenceClassification"\]; supported: Qwen2ForCausalLM/,
    ],
    ['llama', { hidden_act: 'gelu' }, /hidden_act: "gelu"; supported: silu/],
    ['llama', { mlp_bias: true }, /mlp_bias: true; supported: false/],
    ['llama', { pretraining_tp: 2 }, /pretraining_tp: 2/],
    ['llama', { partial_rotary_factor: 0.5 }, /partial_rotary_factor: 0\.5; supported: 1/],
    ['llama', { rope_scaling: { rope_type: 'dynamic', factor: 2 } }, /rope_scaling\.rope_type: "dynamic"/],
    [
      'llama',
      { rope_scaling: { type: 'longrope' } },
      /rope_scaling\.type: "longrope"; supported: default, linear/,
    ],
    [
      'qwen3',
      { rope_parameters: { full_attention: { rope_type: 'default' } } },
      /rope_parameters: .*one set of parameters for all layers/,
    ],
    [
      'llama',
      { rope_parameters: { rope_theta: 1e4, partial_rotary_factor: 0.25 } },
      /rope_parameters\.partial_rotary_factor: 0\.25/,
    ],
    ['mistral', { attention_bias: true }, /attention_bias: true/],
    [
      'qwen3',
      { use_sliding_window: true, layer_types: ['full_attention', 'chunked_attention'] },
      /layer_types: "chunked_attention"; supported: full_attention, sliding_attention/,
    ],
  ] as const) {
    t.throws(() => parse(family, config), { code: 'MODEL_UNSUPPORTED', message });
  }
});

t.test('impossible values are MODEL_INVALID with the field and what was expected', async (t) => {
  for (const [config, message] of [
    [{ hidden_size: 0 }, /hidden_size: 0; expected a positive integer/],
    [{ hidden_size: '64' }, /hidden_size: "64"/],
    [{ vocab_size: undefined }, /vocab_size: nothing/],
    [{ num_hidden_layers: 1e9 }, /num_hidden_layers: 1000000000; expected a positive integer up to 10000/],
    [{ num_attention_heads: 5 }, /head_dim: 12\.8/],
    [{ num_key_value_heads: 3 }, /num_key_value_heads: 3; expected a divisor of the 4/],
    [{ head_dim: 15 }, /head_dim: 15; expected an even number/],
    [{ rms_norm_eps: -1 }, /rms_norm_eps: -1; expected a positive number/],
    [{ rope_scaling: { type: 'linear' } }, /rope_scaling\.factor: nothing/],
    [{ rope_scaling: [] }, /rope_scaling: \[\]; expected an object/],
    [
      { rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 4 } },
      /high_freq_factor: 4; expected more than/,
    ],
    [{ quantization_config: 'int4' }, /quantization_config: "int4"; expected an object/],
  ] as const) {
    t.throws(() => parse('llama', config), { code: 'MODEL_INVALID', message });
  }
  const windows = { use_sliding_window: true, layer_types: ['full_attention'] };
  t.throws(() => parse('qwen2', windows), { code: 'MODEL_INVALID', message: /a list of 2 names/ });
});

t.test('a folder says which of its files cannot be read', async (t) => {
  const folder = t.testdir({});
  await t.rejects(readDecoderConfig(folder), { code: 'MODEL_INVALID', message: /has no config\.json/ });
  await writeFile(join(folder, 'config.json'), '{ half');
  await t.rejects(readDecoderConfig(folder), {
    code: 'MODEL_INVALID',
    message: /config\.json cannot be read/,
  });
  await writeFile(join(folder, 'config.json'), '[]');
  await t.rejects(readDecoderConfig(folder), { code: 'MODEL_INVALID', message: /is not a JSON object/ });
  await writeFile(join(folder, 'config.json'), JSON.stringify(tinyConfig({ family: 'llama' })));
  await writeFile(join(folder, 'generation_config.json'), '{"eos_token_id":[7]}');
  t.same((await readDecoderConfig(folder)).eosTokenIds, [7]);
});
