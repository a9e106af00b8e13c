/**
 * The checkpoint of `lm-checkpoint.ts` as a GGUF file for llama.cpp: all matrices in Q4_0, the head too (tied), norms
 * and biases in float32. Qwen2 only: its rotary layout is Hugging Face's, so that no rows change places.
 */
import { join } from 'node:path';
import { openTensorReader } from '../../shared/lm/quantize/tensor-reader.js';
import { readSafetensorsHeader } from '../../shared/onnx/safetensors.js';
import {
  type CheckpointTensor,
  checkpointTensors,
  type LmShape,
  rmsNormEps,
  ropeTheta,
} from '../lm-checkpoint.js';
import { byteLevelVocabulary } from '../lm-vocabulary.js';
import { type GgufTensor, type GgufValue, writeGguf } from './gguf.js';

const names: readonly (readonly [hugging: RegExp, ggml: string])[] = [
  [/^model\.embed_tokens\./u, 'token_embd.'],
  [/^model\.norm\./u, 'output_norm.'],
  [/^model\.layers\.(\d+)\.input_layernorm\./u, 'blk.$1.attn_norm.'],
  [/^model\.layers\.(\d+)\.post_attention_layernorm\./u, 'blk.$1.ffn_norm.'],
  [/^model\.layers\.(\d+)\.self_attn\.o_proj\./u, 'blk.$1.attn_output.'],
  [/^model\.layers\.(\d+)\.self_attn\.([qkv])_proj\./u, 'blk.$1.attn_$2.'],
  [/^model\.layers\.(\d+)\.mlp\.(gate|up|down)_proj\./u, 'blk.$1.ffn_$2.'],
];

/** `model.layers.0.mlp.up_proj.weight` → `blk.0.ffn_up.weight`. @throws Error for a name that has none. */
export function ggmlName(name: string): string {
  const found = names.find(([hugging]) => hugging.test(name));
  if (found === undefined) throw new Error(`llama.cpp has no tensor for ${name}`);
  return name.replace(...found);
}

const valuesAtOnce = 1 << 20;

export async function writeCheckpointGguf(folder: string, shape: LmShape, to: string): Promise<void> {
  const sources = new Map(checkpointTensors(shape).map((tensor) => [ggmlName(tensor.name), tensor]));
  const tensors: GgufTensor[] = [...sources].map(([name, { kind, shape: sizes }]) => ({
    name,
    type: kind === 'matrix' ? 'q4_0' : 'f32',
    shape: sizes,
  }));
  const path = join(folder, 'model.safetensors');
  const { tensors: located } = await readSafetensorsHeader(path);
  const reader = openTensorReader(new Map([...located].map(([name, entry]) => [name, { ...entry, path }])));
  try {
    await writeGguf(to, ggufEntries(shape), tensors, async function* ({ name, shape: [rows, width = 1] }) {
      const { name: source } = sources.get(name) as CheckpointTensor;
      const batch = Math.ceil(valuesAtOnce / width);
      for (let row = 0; row < (rows as number); row += batch)
        yield await reader.readRows(source, row, Math.min(batch, (rows as number) - row));
    });
  } finally {
    await reader.close();
  }
}

function ggufEntries(shape: LmShape): Record<string, GgufValue> {
  const { tokens, merges, bosTokenId, eosTokenId } = byteLevelVocabulary(shape.vocabSize);
  const string = (value: string): GgufValue => ({ type: 'string', value });
  const uint32 = (value: number): GgufValue => ({ type: 'uint32', value });
  const float32 = (value: number): GgufValue => ({ type: 'float32', value });
  return {
    'general.architecture': string('qwen2'),
    'general.name': string('random weights'),
    // LLAMA_FTYPE_MOSTLY_Q4_0
    'general.file_type': uint32(2),
    'general.quantization_version': uint32(2),
    'qwen2.block_count': uint32(shape.nLayer),
    'qwen2.context_length': uint32(shape.maxPositions),
    'qwen2.embedding_length': uint32(shape.hiddenSize),
    'qwen2.feed_forward_length': uint32(shape.intermediateSize),
    'qwen2.attention.head_count': uint32(shape.nHead),
    'qwen2.attention.head_count_kv': uint32(shape.nKvHead),
    'qwen2.attention.layer_norm_rms_epsilon': float32(rmsNormEps),
    'qwen2.rope.freq_base': float32(ropeTheta),
    'qwen2.rope.dimension_count': uint32(shape.hiddenSize / shape.nHead),
    'qwen2.vocab_size': uint32(shape.vocabSize),
    'tokenizer.ggml.model': string('gpt2'),
    'tokenizer.ggml.pre': string('qwen2'),
    'tokenizer.ggml.tokens': { type: 'strings', value: tokens },
    // 1 normal, 3 control
    'tokenizer.ggml.token_type': { type: 'int32s', value: tokens.map((_, id) => (id < bosTokenId ? 1 : 3)) },
    'tokenizer.ggml.merges': { type: 'strings', value: merges.map((pair) => pair.join(' ')) },
    'tokenizer.ggml.bos_token_id': uint32(bosTokenId),
    'tokenizer.ggml.eos_token_id': uint32(eosTokenId),
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: false },
  };
}
