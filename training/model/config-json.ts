/**
 * `config.json` and `generation_config.json` of a decoder, as `transformers` writes them: the inverse of
 * `shared/lm/decoder-config.ts`. Rotary parameters are in the spelling of 4.x (`rope_theta`, `rope_scaling`), which
 * 5.x reads too.
 */
import { HaetaeError } from '../../shared/errors.js';
import type { DecoderConfig, RopeScaling } from '../../shared/lm/model-config.js';

type Json = Record<string, unknown>;

const architectures = {
  llama: 'LlamaForCausalLM',
  mistral: 'MistralForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  qwen3: 'Qwen3ForCausalLM',
} as const;

/**
 * @param dtype type of the stored weights
 * @throws HaetaeError MODEL_UNSUPPORTED where the family's file cannot say this, or the weights are quantised
 */
export function decoderConfigJson(config: DecoderConfig, dtype: 'float32' | 'bfloat16'): Json {
  if (config.quantization) throw unsupported(config, 'quantised weights');
  return {
    architectures: [architectures[config.family]],
    model_type: config.family,
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.nLayer,
    num_attention_heads: config.nHead,
    num_key_value_heads: config.nKvHead,
    head_dim: config.headDim,
    hidden_act: 'silu',
    max_position_embeddings: config.maxPositions,
    rms_norm_eps: config.rmsNormEps,
    rope_theta: config.ropeTheta,
    rope_scaling: ropeScalingJson(config.ropeScaling),
    ...familyJson(config),
    attention_dropout: 0,
    initializer_range: 0.02,
    tie_word_embeddings: config.tiedHead,
    bos_token_id: config.bosTokenId,
    eos_token_id: eosJson(config),
    torch_dtype: dtype,
    use_cache: true,
  };
}

/** @param base fields of the model it was trained from, e.g. its sampling defaults */
export function generationConfigJson(config: DecoderConfig, base: Json = {}): Json {
  return { ...base, bos_token_id: config.bosTokenId, eos_token_id: eosJson(config) };
}

function eosJson({ eosTokenIds }: DecoderConfig): number | number[] | null {
  return eosTokenIds.length > 1 ? [...eosTokenIds] : (eosTokenIds[0] ?? null);
}

function ropeScalingJson(scaling: RopeScaling): Json | null {
  switch (scaling.type) {
    case 'default':
      return null;
    case 'linear':
      return { rope_type: 'linear', factor: scaling.factor };
    case 'llama3':
      return {
        rope_type: 'llama3',
        factor: scaling.factor,
        low_freq_factor: scaling.lowFreqFactor,
        high_freq_factor: scaling.highFreqFactor,
        original_max_position_embeddings: scaling.originalMaxPositions,
      };
    case 'yarn':
      return {
        rope_type: 'yarn',
        factor: scaling.factor,
        original_max_position_embeddings: scaling.originalMaxPositions,
        beta_fast: scaling.betaFast,
        beta_slow: scaling.betaSlow,
        attention_factor: scaling.attentionFactor,
        truncate: scaling.truncate,
      };
  }
}

function familyJson(config: DecoderConfig): Json {
  const { family, qkvBias, outputBias, qkNorm, slidingWindow } = config;
  if (qkNorm !== (family === 'qwen3')) throw unsupported(config, `qkNorm: ${qkNorm}`);
  const windows = new Set(slidingWindow);
  const [first = null] = windows;
  switch (family) {
    case 'llama':
      if (windows.size > 1 || first !== null) throw unsupported(config, 'a sliding window');
      return { attention_bias: attentionBias(config), mlp_bias: false };
    case 'mistral':
      if (qkvBias || outputBias) throw unsupported(config, 'biases');
      if (windows.size > 1) throw unsupported(config, 'layers of different windows');
      return { sliding_window: first };
    case 'qwen2':
      if (!qkvBias || outputBias) throw unsupported(config, `qkvBias: ${qkvBias}, outputBias: ${outputBias}`);
      return windowsJson(config);
    case 'qwen3':
      return { attention_bias: attentionBias(config), ...windowsJson(config) };
  }
}

/** One field says both. */
function attentionBias(config: DecoderConfig): boolean {
  const { qkvBias, outputBias } = config;
  if (qkvBias !== outputBias) throw unsupported(config, `qkvBias: ${qkvBias}, outputBias: ${outputBias}`);
  return qkvBias;
}

function windowsJson(config: DecoderConfig): Json {
  const windows = config.slidingWindow.filter((window) => window !== null);
  const [window] = windows;
  if (new Set(windows).size > 1) throw unsupported(config, 'windows of different sizes');
  if (window === undefined) {
    return { use_sliding_window: false, sliding_window: null, max_window_layers: config.nLayer };
  }
  return {
    use_sliding_window: true,
    sliding_window: window,
    // Only said by both: layers before it are whole. `layer_types` goes before it.
    max_window_layers: config.slidingWindow.indexOf(window),
    layer_types: config.slidingWindow.map((it) => (it === null ? 'full_attention' : 'sliding_attention')),
  };
}

function unsupported({ family }: DecoderConfig, what: string): HaetaeError {
  return new HaetaeError(
    'MODEL_UNSUPPORTED',
    `config.json of the family ${family} cannot say ${what}. Choose another family, or leave it out.`,
    { family },
  );
}
