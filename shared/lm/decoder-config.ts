/**
 * What a checkpoint's `config.json` says of the decoder, read as `transformers` reads it (5.x and the 4.x spelling:
 * `rope_theta` and `rope_scaling` became `rope_parameters`), defaults included.
 *
 * A field that would change the computation in a way that is not implemented is an error that names it; fields
 * that only matter in training (`attention_dropout`, `initializer_range`, …) are passed over.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError, messageOf } from '../errors.js';
import { foreignWeights } from './foreign-weights.js';
import {
  type DecoderConfig,
  type DecoderFamily,
  decoderFamilies,
  type QuantizationConfig,
  type RopeScaling,
} from './model-config.js';
import { blockSizes, quantMethod } from './quantized-tensor.js';

type Json = Readonly<Record<string, unknown>>;

const architectures: Record<DecoderFamily, string> = {
  llama: 'LlamaForCausalLM',
  mistral: 'MistralForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  qwen3: 'Qwen3ForCausalLM',
};

/** More than any model has, and few enough to make a list of. */
const mostLayers = 10_000;

/** What `transformers` takes where the file says nothing. */
const defaultMaxPositions = { llama: 2048, mistral: 131_072, qwen2: 32_768, qwen3: 32_768 };

/**
 * Reads `config.json`, and `generation_config.json` where there is one (its end-of-sequence tokens come first).
 * @throws HaetaeError MODEL_INVALID where a file is missing or a value is impossible, MODEL_UNSUPPORTED where the
 * model is of a kind that cannot be computed
 */
export async function readDecoderConfig(folder: string): Promise<DecoderConfig> {
  const config = await readJson(folder, 'config.json');
  if (!config) {
    throw new HaetaeError(
      'MODEL_INVALID',
      `The model folder ${folder} has no config.json.` +
        ((await foreignWeights(folder)) || ' Copy the whole folder as the hub has it.'),
      { path: folder },
    );
  }
  return parseDecoderConfig(config, (await readJson(folder, 'generation_config.json')) ?? null, folder);
}

/** As `readDecoderConfig`, from parsed JSON; `folder` names the model in errors. Same errors. */
export function parseDecoderConfig(config: Json, generation: Json | null, folder: string): DecoderConfig {
  const fields = new Fields(config, folder);
  const family = fields.oneOf('model_type', decoderFamilies);
  const named = config.architectures;
  if (Array.isArray(named) && named.length > 0 && !named.includes(architectures[family])) {
    throw fields.unsupported('architectures', named, architectures[family]);
  }
  fields.mustBe('hidden_act', 'silu');
  fields.mustBe('mlp_bias', false);
  fields.mustBe('pretraining_tp', 1);
  fields.mustBe('partial_rotary_factor', 1);
  if (family === 'mistral') {
    fields.mustBe('attention_bias', false);
    fields.mustBe('layer_types', null);
  }
  const hiddenSize = fields.size('hidden_size');
  const nHead = fields.size('num_attention_heads');
  const nLayer = fields.size('num_hidden_layers', undefined, mostLayers);
  const nKvHead =
    config.num_key_value_heads === null
      ? nHead
      : fields.size('num_key_value_heads', family === 'llama' ? nHead : undefined);
  const headDim = fields.size('head_dim', family === 'qwen3' ? 128 : hiddenSize / nHead);
  if (nHead % nKvHead !== 0) {
    throw fields.invalid('num_key_value_heads', nKvHead, `a divisor of the ${nHead} attention heads`);
  }
  if (headDim % 2 !== 0) {
    throw fields.invalid('head_dim', headDim, 'an even number, for rotary embedding');
  }
  const maxPositions = fields.size('max_position_embeddings', defaultMaxPositions[family]);
  const attentionBias = config.attention_bias === true;
  const generationEos = tokenIds(generation?.eos_token_id);
  return {
    family,
    vocabSize: fields.size('vocab_size'),
    hiddenSize,
    intermediateSize: fields.size('intermediate_size'),
    nLayer,
    nHead,
    nKvHead,
    headDim,
    maxPositions,
    rmsNormEps: fields.positive('rms_norm_eps', 1e-6),
    ...readRope(fields, maxPositions),
    qkvBias: family === 'qwen2' || attentionBias,
    outputBias: family !== 'qwen2' && attentionBias,
    qkNorm: family === 'qwen3',
    slidingWindow: readWindows(fields, family, nLayer),
    tiedHead: config.tie_word_embeddings === true,
    bosTokenId: tokenIds(config.bos_token_id)[0] ?? null,
    eosTokenIds: generationEos.length > 0 ? generationEos : tokenIds(config.eos_token_id),
    quantization: readQuantization(fields),
  };
}

function readRope(fields: Fields, maxPositions: number): { ropeTheta: number; ropeScaling: RopeScaling } {
  const { json } = fields;
  const found = json.rope_parameters ?? json.rope_scaling ?? {};
  const name = json.rope_parameters ? 'rope_parameters' : 'rope_scaling';
  if (!isRecord(found)) {
    throw fields.invalid(name, found, 'an object');
  }
  if (Object.values(found).some(isRecord)) {
    throw fields.unsupported(name, found, 'one set of parameters for all layers');
  }
  const rope = new Fields(found, fields.folder, `${name}.`);
  rope.mustBe('partial_rotary_factor', 1);
  const ropeTheta =
    found.rope_theta != null ? rope.positive('rope_theta') : fields.positive('rope_theta', 10_000);
  const typeField = found.rope_type === undefined && found.type !== undefined ? 'type' : 'rope_type';
  const type =
    found[typeField] == null ? 'default' : rope.oneOf(typeField, ['default', 'linear', 'llama3', 'yarn']);
  // As `transformers` does, the field beside the scaling goes before the one inside.
  const originalMaxPositions = () =>
    json.original_max_position_embeddings != null
      ? fields.size('original_max_position_embeddings')
      : rope.size('original_max_position_embeddings', maxPositions);
  switch (type) {
    case 'default':
      return { ropeTheta, ropeScaling: { type } };
    case 'linear':
      return { ropeTheta, ropeScaling: { type, factor: rope.positive('factor') } };
    case 'llama3': {
      const lowFreqFactor = rope.positive('low_freq_factor');
      const highFreqFactor = rope.positive('high_freq_factor');
      if (highFreqFactor <= lowFreqFactor) {
        throw rope.invalid(
          'high_freq_factor',
          highFreqFactor,
          `more than low_freq_factor (${lowFreqFactor})`,
        );
      }
      const factor = rope.positive('factor');
      const ropeScaling = {
        type,
        factor,
        lowFreqFactor,
        highFreqFactor,
        originalMaxPositions: originalMaxPositions(),
      };
      return { ropeTheta, ropeScaling };
    }
    case 'yarn': {
      const original = originalMaxPositions();
      const factor = found.factor == null ? maxPositions / original : rope.positive('factor');
      return {
        ropeTheta,
        ropeScaling: {
          type,
          factor,
          originalMaxPositions: original,
          betaFast: found.beta_fast ? rope.positive('beta_fast') : 32,
          betaSlow: found.beta_slow ? rope.positive('beta_slow') : 1,
          attentionFactor: attentionFactor(rope, factor),
          truncate: found.truncate !== false,
        },
      };
    }
  }
}

/** The factor on cos and sin of YaRN: as given, or 0.1 · mscale · ln(factor) + 1. */
function attentionFactor(rope: Fields, factor: number): number {
  if (rope.json.attention_factor != null) {
    return rope.positive('attention_factor');
  }
  const scale = (mscale: number) => (factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1);
  if (rope.json.mscale && rope.json.mscale_all_dim) {
    return scale(rope.positive('mscale')) / scale(rope.positive('mscale_all_dim'));
  }
  return scale(1);
}

function readWindows(fields: Fields, family: DecoderFamily, nLayer: number): (number | null)[] {
  const { json } = fields;
  const all = (window: number | null) => Array.from({ length: nLayer }, () => window);
  if (family === 'llama') {
    return all(null);
  }
  if (family === 'mistral') {
    return all(json.sliding_window === null ? null : fields.size('sliding_window', 4096));
  }
  if (json.use_sliding_window !== true || json.sliding_window === null) {
    return all(null);
  }
  const window = fields.size('sliding_window', 4096);
  if (json.layer_types == null) {
    const full = fields.count('max_window_layers', 28);
    return all(window).map((it, layer) => (layer >= full ? it : null));
  }
  const types = json.layer_types;
  if (!Array.isArray(types) || types.length !== nLayer) {
    throw fields.invalid('layer_types', types, `a list of ${nLayer} names`);
  }
  return types.map((type) => {
    if (type !== 'full_attention' && type !== 'sliding_attention') {
      throw fields.unsupported('layer_types', type, 'full_attention, sliding_attention');
    }
    return type === 'sliding_attention' ? window : null;
  });
}

function readQuantization(fields: Fields): QuantizationConfig | null {
  const found = fields.json.quantization_config;
  if (found == null) {
    return null;
  }
  if (!isRecord(found)) {
    throw fields.invalid('quantization_config', found, 'an object');
  }
  const quantization = new Fields(found, fields.folder, 'quantization_config.');
  quantization.oneOf('quant_method', [quantMethod]);
  return {
    bits: quantization.oneOf('bits', [4, 8]),
    blockSize: quantization.oneOf('block_size', blockSizes),
    headBits: quantization.oneOf('head_bits', [4, 8]),
    embedding: quantization.oneOf('embedding', ['checkpoint', 'head']),
    method: typeof found.method === 'string' ? found.method : 'unknown',
  };
}

/** Typed access to an object of `config.json`; errors carry the field's full name. */
class Fields {
  readonly json: Json;
  readonly folder: string;
  readonly #prefix: string;

  constructor(json: Json, folder: string, prefix = '') {
    this.json = json;
    this.folder = folder;
    this.#prefix = prefix;
  }

  /** A positive integer. */
  size(name: string, fallback?: number, most = 2 ** 31): number {
    const value = this.json[name] ?? fallback;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > most) {
      throw this.invalid(name, value, `a positive integer up to ${most}`);
    }
    return value;
  }

  /** An integer from 0 on. */
  count(name: string, fallback: number): number {
    const value = this.json[name] ?? fallback;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw this.invalid(name, value, 'an integer from 0 on');
    }
    return value;
  }

  positive(name: string, fallback?: number): number {
    const value = this.json[name] ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
      throw this.invalid(name, value, 'a positive number');
    }
    return value;
  }

  oneOf<T extends string | number>(name: string, supported: readonly T[]): T {
    const value = supported.find((it) => it === this.json[name]);
    if (value === undefined) {
      throw this.unsupported(name, this.json[name], supported.join(', '));
    }
    return value;
  }

  /** Absent and null pass. */
  mustBe(name: string, supported: string | number | boolean | null): void {
    const value = this.json[name] ?? supported;
    if (value !== supported) {
      throw this.unsupported(name, value, String(supported));
    }
  }

  unsupported(name: string, value: unknown, supported: string): HaetaeError {
    const field = this.#prefix + name;
    return new HaetaeError(
      'MODEL_UNSUPPORTED',
      `config.json of ${this.folder} says ${field}: ${shown(value)}; supported: ${supported}.` +
        ' Choose a model of a supported kind.',
      { path: this.folder, field, value },
    );
  }

  invalid(name: string, value: unknown, expected: string): HaetaeError {
    const field = this.#prefix + name;
    return new HaetaeError(
      'MODEL_INVALID',
      `config.json of ${this.folder} says ${field}: ${shown(value)}; expected ${expected}.` +
        ' Copy the file again from its source.',
      { path: this.folder, field, value },
    );
  }
}

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** Configurations write one id, a list, or null. */
function tokenIds(value: unknown): number[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((id): id is number => typeof id === 'number' && Number.isSafeInteger(id) && id >= 0);
}

async function readJson(folder: string, name: string): Promise<Json | undefined> {
  const path = join(folder, name);
  try {
    const json: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (isRecord(json)) {
      return json;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return undefined;
    }
    throw new HaetaeError('MODEL_INVALID', `${path} cannot be read: ${messageOf(error)}. Copy it again.`, {
      path,
    });
  }
  throw new HaetaeError('MODEL_INVALID', `${path} is not a JSON object. Copy it again.`, { path });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
