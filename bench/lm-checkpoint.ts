/**
 * A Qwen2 checkpoint of random weights in the Hugging Face layout, for speed: bfloat16, seeded, written as a stream.
 *
 * Every matrix lies on a grid of 4-bit integers: 32 consecutive values are a scale times integers of −8..7, where
 * both −8 and 7 occur. The scale has three significant bits and the product six, so that bfloat16, `MatMulNBits`
 * with blocks of 32 and llama.cpp's Q4_0 hold exactly the same weights, and what they compute can be compared
 * number for number; what differs is arithmetic alone. The integers are symmetric but for that one −8 (a mean that
 * is not zero would align all hidden states, and random models would agree on anything).
 */
import { type FileHandle, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toBfloat16 } from '../shared/onnx/half-float.js';
import { byteLevelVocabulary } from './lm-vocabulary.js';

export interface LmShape {
  hiddenSize: number;
  intermediateSize: number;
  nLayer: number;
  nHead: number;
  nKvHead: number;
  vocabSize: number;
  maxPositions: number;
}

/** https://huggingface.co/Qwen/Qwen2.5-0.5B/blob/main/config.json */
export const qwen25Shape: LmShape = {
  hiddenSize: 896,
  intermediateSize: 4864,
  nLayer: 24,
  nHead: 14,
  nKvHead: 2,
  vocabSize: 151_936,
  maxPositions: 32_768,
};

/** To try the bench itself. */
export const quickShape: LmShape = {
  hiddenSize: 256,
  intermediateSize: 512,
  nLayer: 3,
  nHead: 4,
  nKvHead: 2,
  vocabSize: 4_096,
  maxPositions: 2_048,
};

export const ropeTheta = 1_000_000;
export const rmsNormEps = 1e-6;

/** Consecutive values that share a scale. */
export const gridBlock = 32;

export interface CheckpointTensor {
  name: string;
  shape: readonly number[];
  kind: 'matrix' | 'norm' | 'bias';
}

/** In the order of the file. The head is tied to the embedding. */
export function checkpointTensors(shape: LmShape): CheckpointTensor[] {
  const { hiddenSize, intermediateSize, nLayer, nHead, nKvHead, vocabSize } = shape;
  const kvSize = (hiddenSize / nHead) * nKvHead;
  const tensors: CheckpointTensor[] = [
    { name: 'model.embed_tokens.weight', shape: [vocabSize, hiddenSize], kind: 'matrix' },
  ];
  for (let layer = 0; layer < nLayer; layer++) {
    const add = (kind: CheckpointTensor['kind'], name: string, ...sizes: number[]) =>
      tensors.push({ name: `model.layers.${layer}.${name}`, shape: sizes, kind });
    add('norm', 'input_layernorm.weight', hiddenSize);
    for (const [name, size] of [
      ['q', hiddenSize],
      ['k', kvSize],
      ['v', kvSize],
    ] as const) {
      add('matrix', `self_attn.${name}_proj.weight`, size, hiddenSize);
      add('bias', `self_attn.${name}_proj.bias`, size);
    }
    add('matrix', 'self_attn.o_proj.weight', hiddenSize, hiddenSize);
    add('norm', 'post_attention_layernorm.weight', hiddenSize);
    add('matrix', 'mlp.gate_proj.weight', intermediateSize, hiddenSize);
    add('matrix', 'mlp.up_proj.weight', intermediateSize, hiddenSize);
    add('matrix', 'mlp.down_proj.weight', hiddenSize, intermediateSize);
  }
  tensors.push({ name: 'model.norm.weight', shape: [hiddenSize], kind: 'norm' });
  return tensors;
}

/** Writes `config.json`, `tokenizer.json`, `tokenizer_config.json` and `model.safetensors` into a new folder. */
export async function writeLmCheckpoint(folder: string, shape: LmShape, seed: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { tokenizer, tokenizerConfig, eosTokenId } = byteLevelVocabulary(shape.vocabSize);
  const config = {
    architectures: ['Qwen2ForCausalLM'],
    model_type: 'qwen2',
    hidden_size: shape.hiddenSize,
    intermediate_size: shape.intermediateSize,
    num_hidden_layers: shape.nLayer,
    num_attention_heads: shape.nHead,
    num_key_value_heads: shape.nKvHead,
    vocab_size: shape.vocabSize,
    max_position_embeddings: shape.maxPositions,
    hidden_act: 'silu',
    rms_norm_eps: rmsNormEps,
    rope_theta: ropeTheta,
    sliding_window: shape.maxPositions,
    use_sliding_window: false,
    tie_word_embeddings: true,
    torch_dtype: 'bfloat16',
    eos_token_id: eosTokenId,
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config, null, 2));
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(tokenizerConfig, null, 2));
  await writeWeights(join(folder, 'model.safetensors'), checkpointTensors(shape), randomBits(seed));
}

async function writeWeights(
  path: string,
  tensors: readonly CheckpointTensor[],
  random: RandomBits,
): Promise<void> {
  const handle = await open(path, 'w');
  try {
    await handle.writeFile(headerOf(tensors));
    const chunk = new Uint16Array(gridBlock * 32_768);
    for (const { kind, shape } of tensors) {
      let left = shape.reduce((product, size) => product * size, 1);
      while (left > 0) {
        const values = chunk.subarray(0, Math.min(left, chunk.length));
        if (kind === 'matrix') fillGrid(values, random);
        else fillPlain(values, random, kind === 'norm' ? 1 : 0);
        await appendBytes(handle, values);
        left -= values.length;
      }
    }
  } finally {
    await handle.close();
  }
}

function headerOf(tensors: readonly CheckpointTensor[]): Buffer {
  const entries: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const { name, shape } of tensors) {
    const begin = end;
    end += 2 * shape.reduce((product, size) => product * size, 1);
    entries[name] = { dtype: 'BF16', shape, data_offsets: [begin, end] };
  }
  const text = JSON.stringify(entries);
  const json = Buffer.from(text + ' '.repeat((8 - (Buffer.byteLength(text) % 8)) % 8));
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([head, json]);
}

async function appendBytes(handle: FileHandle, values: Uint16Array): Promise<void> {
  await handle.writeFile(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
}

/** 32 random bits. */
type RandomBits = () => number;

/** Marsaglia's xorshift (13, 17, 5): half a billion draws in two seconds. */
export function randomBits(seed: number): RandomBits {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Four scales about 2^−8, so that the weights' standard deviation is about 0.02; each by sixteen integers, −8..7. */
const gridScales = [1, 1.25, 1.5, 0.75].map((factor) => factor / 256);
const gridBits = toBfloat16(
  Float32Array.from({ length: 64 }, (_, i) => (gridScales[i >> 4] as number) * ((i & 15) - 8)),
);

/** Whole blocks on the grid, as bfloat16 bits. */
export function fillGrid(values: Uint16Array, random: RandomBits): void {
  for (let from = 0; from < values.length; from += gridBlock) {
    const draw = random();
    const row = (draw & 3) << 4;
    for (let i = 0; i < gridBlock; i += 4) {
      const bits = random();
      // a byte times 15, high part: 0..14, then 1..15, which are −7..7
      values[from + i] = gridBits[row + 1 + (((bits & 255) * 15) >>> 8)] as number;
      values[from + i + 1] = gridBits[row + 1 + ((((bits >>> 8) & 255) * 15) >>> 8)] as number;
      values[from + i + 2] = gridBits[row + 1 + ((((bits >>> 16) & 255) * 15) >>> 8)] as number;
      values[from + i + 3] = gridBits[row + 1 + (((bits >>> 24) * 15) >>> 8)] as number;
    }
    const lowest = (draw >>> 2) & 31;
    values[from + lowest] = gridBits[row] as number;
    values[from + ((lowest + 1 + ((draw >>> 7) % 31)) & 31)] = gridBits[row + 15] as number;
  }
}

/** `centre` ± 0.1, as bfloat16 bits. */
function fillPlain(values: Uint16Array, random: RandomBits, centre: number): void {
  values.set(
    toBfloat16(Float32Array.from({ length: values.length }, () => centre + (random() / 2 ** 31 - 1) / 10)),
  );
}
