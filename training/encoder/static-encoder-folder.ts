/**
 * Trained static encoders as model folders, and back: the layout of `../embedder/static-embedding-folder.ts`, which
 * the retriever's embedder and sentence-transformers read.
 *
 * A projection is folded into the table, since the mean is linear: mean(E)·Wᵀ = mean(E·Wᵀ). So a served encoder is
 * always one table, and what is trained further from a folder has no projection any more.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import type { TokenizerJson } from '../../shared/lm/tokenizer.js';
import { readFloatTensor, readSafetensorsHeader } from '../../shared/onnx/safetensors.js';
import { dequantizeRows } from '../embedder/int8-table.js';
import {
  scaleName,
  type TableType,
  writeStaticEmbeddingFolder,
} from '../embedder/static-embedding-folder.js';
import { projectionName, type StaticEncoderConfig, tableName } from './static-encoder.js';

export interface EncoderTokenizer {
  tokenizer: TokenizerJson;
  padToken: string;
}

/**
 * Writes the folder.
 * @param values of `staticEncoderParameters`, by name
 * @param tableType default float16: half the size, the same ranking
 */
export async function exportStaticEncoder(
  outDir: string,
  config: StaticEncoderConfig,
  values: ReadonlyMap<string, Float32Array>,
  { tokenizer, padToken }: EncoderTokenizer,
  tableType: TableType = 'float16',
): Promise<void> {
  const table = valuesOf(values, tableName, config.vocabSize * config.dimension);
  const { vocabSize, dimension, projection } = config;
  const folded =
    projection === null
      ? table
      : foldProjection(table, valuesOf(values, projectionName, projection * dimension), dimension);
  const embedding = { table: folded, vocabSize, dimension: projection ?? dimension, tokenizer, padToken };
  await writeStaticEmbeddingFolder(outDir, embedding, tableType);
}

/**
 * Reads a static encoder to go on from.
 * @throws HaetaeError MODEL_INVALID where the folder is of another kind of encoder, or a file is missing or damaged
 */
export async function readStaticEncoder(
  folder: string,
): Promise<EncoderTokenizer & { config: StaticEncoderConfig; table: Float32Array }> {
  const config = await readJson(folder, 'config.json');
  if (config.model_type !== 'static-embedding') {
    throw invalid(
      folder,
      `config.json says model_type ${JSON.stringify(config.model_type)}, not static-embedding`,
    );
  }
  const { shape, data } = await readTable(join(folder, 'model.safetensors'));
  const [vocabSize = 0, dimension = 0] = shape;
  if (shape.length !== 2 || vocabSize !== config.vocab_size || dimension !== config.hidden_size) {
    throw invalid(
      folder,
      `its table is [${shape.join(', ')}], config.json says [${config.vocab_size}, ${config.hidden_size}]`,
    );
  }
  const padToken = (await readJson(folder, 'tokenizer_config.json')).pad_token;
  if (typeof padToken !== 'string') throw invalid(folder, 'tokenizer_config.json names no pad_token');
  const tokenizer = (await readJson(folder, 'tokenizer.json')) as unknown as TokenizerJson;
  return { config: { vocabSize, dimension, projection: null }, table: data, tokenizer, padToken };
}

async function readTable(path: string): Promise<{ shape: readonly number[]; data: Float32Array }> {
  const entry = (await readSafetensorsHeader(path)).tensors.get(tableName);
  if (entry?.type !== 'int8') return readFloatTensor(path, tableName);
  const { data: scales } = await readFloatTensor(path, scaleName);
  const bytes = await readFile(path);
  const values = new Int8Array(bytes.buffer, bytes.byteOffset + entry.offset, entry.length);
  return { shape: entry.shape, data: dequantizeRows({ values, scales }) };
}

/** E [V, D] times the transpose of W [P, D]: [V, P]. */
function foldProjection(table: Float32Array, weights: Float32Array, dimension: number): Float32Array {
  const rows = table.length / dimension;
  const width = weights.length / dimension;
  const folded = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let p = 0; p < width; p++) {
      let sum = 0;
      for (let d = 0; d < dimension; d++) sum += table[row * dimension + d]! * weights[p * dimension + d]!;
      folded[row * width + p] = sum;
    }
  }
  return folded;
}

function valuesOf(values: ReadonlyMap<string, Float32Array>, name: string, length: number): Float32Array {
  const found = values.get(name);
  if (found?.length !== length) {
    throw new RangeError(`${name} takes ${length} numbers, got ${found ? found.length : 'none'}`);
  }
  return found;
}

async function readJson(folder: string, name: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(join(folder, name), 'utf8')) as Record<string, unknown>;
  } catch (error) {
    throw invalid(folder, `${name} cannot be read (${messageOf(error)})`);
  }
}

function invalid(folder: string, reason: string): HaetaeError {
  return new HaetaeError(
    'MODEL_INVALID',
    `${folder} is no static-embedding encoder to go on from: ${reason}. Make one with: haetae train embed`,
    { path: folder },
  );
}
