/**
 * Which tensors of a Llama-family checkpoint become which layers of blocks: q, k, v as one, gate and up as one, o,
 * down, and the head. Refuses what cannot be cut into blocks before anything is written.
 */
import { HaetaeError } from '../../errors.js';
import type { QuantizationConfig } from '../model-config.js';
import { type LocatedTensor, missing } from './tensor-reader.js';

/** A linear layer y = x Wᵀ + b to be. */
export interface PlannedLayer {
  /** Without `.weight`: `model.layers.0.self_attn.qkv_proj`. */
  name: string;
  /** Index of the decoder block; null for the head. */
  block: number | null;
  /** Checkpoint names, without `.weight`, whose rows are put together in this order. */
  parts: readonly string[];
  /** Rows of all parts, output features. */
  n: number;
  /** Input features. */
  k: number;
  bits: 4 | 8;
  hasBias: boolean;
}

export interface LayerPlan {
  layers: readonly PlannedLayer[];
  /** Names of tensors kept as float32 (norms). */
  norms: readonly string[];
  /** Name of the embedding kept in the checkpoint's precision, if it is. */
  embedding: string | null;
}

export const embeddingName = 'model.embed_tokens.weight';

/** Linear layers of one decoder block and their parts. */
export const blockLayers = [
  { name: 'self_attn.qkv_proj', parts: ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'] },
  { name: 'self_attn.o_proj', parts: ['self_attn.o_proj'] },
  { name: 'mlp.gate_up_proj', parts: ['mlp.gate_proj', 'mlp.up_proj'] },
  { name: 'mlp.down_proj', parts: ['mlp.down_proj'] },
] as const;

export interface ModelShape {
  nLayer: number;
  tiedHead: boolean;
}

/** @throws HaetaeError MODEL_INVALID, MODEL_UNSUPPORTED naming the layer */
export function planLayers(
  tensors: ReadonlyMap<string, LocatedTensor>,
  { nLayer, tiedHead }: ModelShape,
  format: Omit<QuantizationConfig, 'method'>,
): LayerPlan {
  const layers: PlannedLayer[] = [];
  for (let block = 0; block < nLayer; block++) {
    const prefix = `model.layers.${block}.`;
    for (const { name, parts } of blockLayers) {
      const sources = parts.map((part) => prefix + part);
      layers.push(planLayer(tensors, prefix + name, sources, block, format.bits, format.blockSize));
    }
  }
  const head = tiedHead ? 'model.embed_tokens' : 'lm_head';
  layers.push(planLayer(tensors, 'lm_head', [head], null, format.headBits, format.blockSize));
  if (format.embedding === 'head' && !tiedHead) {
    throw new HaetaeError(
      'USAGE',
      'The embedding can be read from the head only where both are one matrix; this model has two. Choose --embedding checkpoint.',
    );
  }
  if (!tensors.has(embeddingName)) throw missing(embeddingName);
  const norms = [...tensors.keys()].filter((name) => name.endsWith('norm.weight')).sort();
  for (const name of [embeddingName, ...norms]) checkType(name, tensors.get(name)!);
  refuseUnknown(tensors, layers, [embeddingName, ...norms]);
  return { layers, norms, embedding: format.embedding === 'checkpoint' ? embeddingName : null };
}

function planLayer(
  tensors: ReadonlyMap<string, LocatedTensor>,
  name: string,
  parts: readonly string[],
  block: number | null,
  bits: 4 | 8,
  blockSize: number,
): PlannedLayer {
  let n = 0;
  let k: number | undefined;
  const biases = parts.filter((part) => tensors.has(`${part}.bias`));
  for (const part of parts) {
    const weight = tensors.get(`${part}.weight`);
    if (!weight) throw missing(`${part}.weight`);
    checkType(`${part}.weight`, weight);
    const [rows, columns] = weight.shape;
    if (weight.shape.length !== 2 || !rows || !columns || (k !== undefined && columns !== k)) {
      throw new HaetaeError(
        'MODEL_INVALID',
        `Tensor "${part}.weight" has shape [${weight.shape.join(', ')}]; expected [outputs, ${k ?? 'inputs'}]. The checkpoint does not fit its config.json.`,
      );
    }
    n += rows;
    k = columns;
  }
  if (k! % blockSize !== 0) {
    throw new HaetaeError(
      'MODEL_UNSUPPORTED',
      `Layer "${name}" has ${k} input features, which blocks of ${blockSize} do not divide. Choose a smaller --block, or leave this model unquantised.`,
      { layer: name, k, block: blockSize },
    );
  }
  if (biases.length !== 0 && biases.length !== parts.length) {
    const message = `Of the parts of "${name}", only ${biases.join(', ')} has a bias; expected all or none.`;
    throw new HaetaeError('MODEL_UNSUPPORTED', message, { layer: name });
  }
  for (const part of biases) checkType(`${part}.bias`, tensors.get(`${part}.bias`)!);
  return { name, block, parts, n, k: k!, bits, hasBias: biases.length > 0 };
}

/** A weight that is left out in silence would make another model. */
function refuseUnknown(
  tensors: ReadonlyMap<string, LocatedTensor>,
  layers: readonly PlannedLayer[],
  others: readonly string[],
): void {
  const known = new Set(others);
  for (const { parts } of layers) {
    for (const part of parts) known.add(`${part}.weight`).add(`${part}.bias`);
  }
  // Computed from the config instead, and the copy of a tied head.
  const unused = /rotary_emb\.inv_freq$|^lm_head\.weight$/u;
  const unknown = [...tensors.keys()].filter((name) => !known.has(name) && !unused.test(name));
  if (unknown.length > 0) {
    throw new HaetaeError(
      'MODEL_UNSUPPORTED',
      `The checkpoint holds ${unknown.length} tensors that a Llama-family decoder of this config has no place for, e.g. "${unknown[0]}".`,
      { tensors: unknown.slice(0, 10) },
    );
  }
}

function checkType(name: string, { type }: LocatedTensor): void {
  if (type !== 'float32' && type !== 'float16' && type !== 'bfloat16') {
    throw new HaetaeError(
      'MODEL_UNSUPPORTED',
      `Tensor "${name}" is ${type}; weights can be quantised from float32, float16 and bfloat16. Use the original checkpoint.`,
      { tensor: name, type },
    );
  }
}
