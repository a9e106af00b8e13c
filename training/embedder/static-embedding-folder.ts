/**
 * Writes a static-embedding encoder as a Hugging Face model folder:
 *
 * ```
 * model.onnx           input_ids, attention_mask [batch, length] int64 → sentence_embedding [batch, dimension]
 * model.safetensors    embedding.weight [vocab, dimension], as sentence-transformers' StaticEmbedding reads it;
 *                      int8: with embedding.scale [vocab] beside it, which only the graph and we read
 * tokenizer.json, tokenizer_config.json, config.json, modules.json, sentence_bert_config.json, 1_Pooling/config.json
 * ```
 *
 * The graph: rows of the table are gathered, averaged over the tokens that the mask keeps, scaled to unit
 * length. The sum over tokens is one MatMul of the mask with the gathered rows. Nothing kept: zeros, not NaN.
 * The table is there once: the graph takes it from the safetensors file, as external data.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenizerJson } from '../../shared/lm/tokenizer.js';
import { toFloat16 } from '../../shared/onnx/half-float.js';
import { type ExternalData, GraphBuilder } from '../../shared/onnx/onnx-model.js';
import { readSafetensorsHeader, writeSafetensors } from '../../shared/onnx/safetensors.js';
import type { TensorType } from '../../shared/onnx/tensor-type.js';
import { quantizeRows } from './int8-table.js';

export type TableType = 'float32' | 'float16' | 'int8';

export interface StaticEmbedding {
  /** [vocabSize, dimension], row-major. */
  table: Float32Array;
  vocabSize: number;
  dimension: number;
  tokenizer: TokenizerJson;
  padToken: string;
}

/** Longer texts are cut; bounds what one text can take, far above the length of a chunk. */
const maxSequenceLength = 4096;

export async function writeStaticEmbeddingFolder(
  outDir: string,
  embedding: StaticEmbedding,
  tableType: TableType = 'float16',
): Promise<void> {
  const { table, vocabSize, dimension, tokenizer, padToken } = embedding;
  await mkdir(join(outDir, '1_Pooling'), { recursive: true });
  const weightsName = 'model.safetensors';
  const { data, scales } = tableAs(tableType, table, dimension);
  await writeSafetensors(join(outDir, weightsName), [
    ...(scales ? [{ name: scaleName, type: 'float32' as const, shape: [vocabSize], data: scales }] : []),
    { name: tensorName, type: tableType, shape: [vocabSize, dimension], data },
  ]);
  const { tensors } = await readSafetensorsHeader(join(outDir, weightsName));
  const stored = (name: string): ExternalData => {
    const { offset, length } = tensors.get(name)!;
    return { location: weightsName, offset, length };
  };
  const graph = staticEmbeddingGraph(
    { type: tableType, data: stored(tensorName), ...(scales ? { scales: stored(scaleName) } : {}) },
    vocabSize,
    dimension,
  );
  const writeJson = (name: string, value: unknown) =>
    writeFile(join(outDir, name), `${JSON.stringify(value, null, 2)}\n`);
  await Promise.all([
    writeFile(join(outDir, 'model.onnx'), graph),
    writeFile(join(outDir, 'tokenizer.json'), JSON.stringify(tokenizer)),
    writeJson('tokenizer_config.json', {
      tokenizer_class: 'PreTrainedTokenizerFast',
      model_max_length: maxSequenceLength,
      pad_token: padToken,
      clean_up_tokenization_spaces: false,
    }),
    writeJson('config.json', {
      architectures: ['StaticEmbedding'],
      model_type: 'static-embedding',
      hidden_size: dimension,
      vocab_size: vocabSize,
      pad_token_id: tokenizer.model.vocab[padToken] ?? 0,
      torch_dtype: tableType,
    }),
    writeJson('modules.json', [
      { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.StaticEmbedding' },
      { idx: 1, name: '1', path: '1_Normalize', type: 'sentence_transformers.models.Normalize' },
    ]),
    writeJson('sentence_bert_config.json', { max_seq_length: maxSequenceLength, do_lower_case: false }),
    writeJson('1_Pooling/config.json', {
      word_embedding_dimension: dimension,
      pooling_mode_cls_token: false,
      pooling_mode_mean_tokens: true,
      pooling_mode_max_tokens: false,
      pooling_mode_lasttoken: false,
    }),
  ]);
}

export const tensorName = 'embedding.weight';
export const scaleName = 'embedding.scale';

/** The elements, or where they lie. */
export interface TableSource {
  type: TableType;
  /** [vocabSize, dimension], float16 as bit patterns. */
  data: ArrayBufferView | ExternalData;
  /** [vocabSize], of int8. */
  scales?: ArrayBufferView | ExternalData;
}

export function tableAs(
  type: TableType,
  table: Float32Array,
  dimension: number,
): { type: TableType; data: ArrayBufferView; scales?: Float32Array } {
  if (type === 'float32') return { type, data: table };
  if (type === 'float16') return { type, data: toFloat16(table) };
  const { values, scales } = quantizeRows(table, dimension);
  return { type, data: values, scales };
}

/** The encoder as an ONNX model. */
export function staticEmbeddingGraph(
  { type, data, scales }: TableSource,
  vocabSize: number,
  dimension: number,
): Uint8Array {
  const graph = new GraphBuilder('static-embedding');
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const attention = graph.input('attention_mask', 'int64', ['batch', 'length']);
  const constant = (name: string, as: TensorType, shape: number[], from: ArrayBufferView | ExternalData) =>
    'location' in from
      ? graph.externalInitializer(name, as, shape, from)
      : graph.initializer(name, as, shape, from);
  const table = constant(tensorName, type, [vocabSize, dimension], data);
  const one = graph.initializer('one', 'float32', [], Float32Array.of(1));
  const epsilon = graph.initializer('epsilon', 'float32', [], Float32Array.of(1e-12));
  const axis1 = graph.initializer('axis1', 'int64', [1], BigInt64Array.of(1n));
  const toFloat32 = { attributes: { to: 1 } };

  const gathered = graph.node('Gather', [table, ids], { attributes: { axis: 0 } }); // [B, L, D]
  const tokens = type === 'float32' ? gathered : graph.node('Cast', [gathered], toFloat32);
  const mask = graph.node('Cast', [attention], toFloat32); // [B, L]
  // A token's scale weighs it in the sum.
  const weights = scales
    ? graph.node('Mul', [
        mask,
        graph.node('Gather', [constant(scaleName, 'float32', [vocabSize], scales), ids]),
      ])
    : mask;
  const row = graph.node('Unsqueeze', [weights, axis1]); // [B, 1, L]
  const sum = graph.node('Squeeze', [graph.node('MatMul', [row, tokens]), axis1]); // [B, D]
  const count = graph.node('ReduceSum', [mask, axis1], { attributes: { keepdims: 1 } }); // [B, 1]
  const mean = graph.node('Div', [sum, graph.node('Max', [count, one])]);
  const norm = graph.node('ReduceL2', [mean, axis1], { attributes: { keepdims: 1 } });
  graph.node('Div', [mean, graph.node('Max', [norm, epsilon])], { outputs: ['sentence_embedding'] });
  graph.output('sentence_embedding', 'float32', ['batch', dimension]);
  return graph.build();
}
