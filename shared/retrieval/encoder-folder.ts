/**
 * What a Hugging Face encoder folder says about itself, read and checked before anything is loaded.
 *
 * ```
 * onnx/model.onnx | model.onnx | onnx/model_*.onnx     the graph (and its external data beside it)
 * tokenizer.json                                       required
 * config.json                                          hidden_size, vocab_size, max_position_embeddings
 * tokenizer_config.json                                model_max_length, pad_token
 * sentence_bert_config.json                            max_seq_length
 * 1_Pooling/config.json                                pooling mode; required where the graph gives token vectors
 * config_sentence_transformers.json                    prompts: { query, passage | document }
 * ```
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { HaetaeError, messageOf } from '../errors.js';
import type { EmbedRole } from './embedder.js';
import { type PoolingMode, poolingModes } from './pooling.js';

export interface EncoderFolder {
  path: string;
  /** Path of the ONNX graph. */
  modelPath: string;
  tokenizerPath: string;
  hiddenSize: number | undefined;
  vocabSize: number | undefined;
  /** Longest input in tokens that the files allow; undefined where none says. */
  maxTokens: number | undefined;
  padTokenId: number;
  /** A table look-up: a graph whose single run is too small to share among threads. */
  isStatic: boolean;
  pooling: PoolingMode | undefined;
  prompts: Readonly<Record<EmbedRole, string>>;
  /** Files that define the embedding, relative to the folder, sorted. */
  files: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

const describing = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
  '1_Pooling/config.json',
];

/** Models whose first position id is past the padding id, so that two positions cannot be used. */
const offsetPositions = new Set(['roberta', 'xlm-roberta', 'camembert', 'xlm-roberta-xl', 'mpnet']);

/** @throws HaetaeError MODEL_INVALID that names the missing or wrong file. */
export async function readEncoderFolder(path: string): Promise<EncoderFolder> {
  const model = await findModel(path);
  const tokenizer = await readJson(path, 'tokenizer.json');
  if (!tokenizer) {
    throw invalid(path, 'tokenizer.json is missing');
  }
  const [config, tokenizerConfig, sentence, prompts, pooling] = await Promise.all([
    readJson(path, 'config.json'),
    readJson(path, 'tokenizer_config.json'),
    readJson(path, 'sentence_bert_config.json'),
    readJson(path, 'config_sentence_transformers.json'),
    readJson(path, '1_Pooling/config.json'),
  ]);
  const positions = positiveInteger(config?.max_position_embeddings);
  const usable = positions && offsetPositions.has(String(config?.model_type)) ? positions - 2 : positions;
  const limits = [
    usable,
    positiveInteger(sentence?.max_seq_length),
    positiveInteger(tokenizerConfig?.model_max_length),
  ];
  const known = limits.filter((limit) => limit !== undefined);
  const present = await Promise.all(describing.map((name) => isFile(join(path, name))));
  return {
    path,
    modelPath: join(path, model),
    tokenizerPath: join(path, 'tokenizer.json'),
    hiddenSize: positiveInteger(config?.hidden_size),
    vocabSize: positiveInteger(config?.vocab_size),
    maxTokens: known.length > 0 ? Math.min(...known) : undefined,
    padTokenId: typeof config?.pad_token_id === 'number' ? config.pad_token_id : 0,
    isStatic: config?.model_type === 'static-embedding',
    pooling: pooling && readPooling(path, pooling),
    prompts: readPrompts(prompts),
    files: [...describing.filter((_, i) => present[i]), ...(await modelFiles(path, model))].sort(),
  };
}

/** sha256, in hex, over the names and contents of the folder's files and the text `extra`. */
export async function fingerprintFolder(folder: EncoderFolder, extra: string): Promise<string> {
  const total = createHash('sha256').update(extra);
  for (const name of folder.files) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(folder.path, name)), hash);
    total.update(`\n${name} ${hash.digest('hex')}`);
  }
  return total.digest('hex');
}

async function findModel(path: string): Promise<string> {
  for (const name of ['onnx/model.onnx', 'model.onnx']) {
    if (await isFile(join(path, name))) {
      return name;
    }
  }
  const others = (await filesOf(join(path, 'onnx'))).filter((name) => /^model.*\.onnx$/.test(name));
  if (others[0] === undefined) {
    throw invalid(path, 'onnx/model.onnx is missing (neither is model.onnx, nor onnx/model_*.onnx)');
  }
  return `onnx/${others[0]}`;
}

/** The graph and the files beside it that may hold its external data. */
async function modelFiles(path: string, model: string): Promise<string[]> {
  const folder = dirname(model);
  const names = await filesOf(join(path, folder));
  const otherModels = names.filter((name) => name.endsWith('.onnx') && name !== basename(model));
  const data = names.filter(
    (name) =>
      (folder !== '.' || name.startsWith(`${basename(model)}`) || name.endsWith('.safetensors')) &&
      !name.endsWith('.json') &&
      !otherModels.some((other) => name.startsWith(other)),
  );
  return data.map((name) => (folder === '.' ? name : `${folder}/${name}`));
}

function readPooling(path: string, config: Json): PoolingMode {
  const named = typeof config.pooling_mode === 'string' ? [config.pooling_mode] : [];
  const flags: Record<string, string> = {
    pooling_mode_cls_token: 'cls',
    pooling_mode_mean_tokens: 'mean',
    pooling_mode_max_tokens: 'max',
    pooling_mode_lasttoken: 'lasttoken',
  };
  const flagged = Object.keys(config)
    .filter((key) => key.startsWith('pooling_mode_') && config[key] === true)
    .map((key) => flags[key] ?? key);
  const modes = named.length > 0 ? named : flagged;
  const mode = poolingModes.find((known) => known === modes[0]);
  if (modes.length !== 1 || !mode) {
    throw invalid(
      path,
      `1_Pooling/config.json asks for pooling ${modes.join(' + ') || 'of no kind'}; exactly one of ` +
        `${poolingModes.join(', ')} can be used`,
    );
  }
  return mode;
}

function readPrompts(config: Json | undefined): Record<EmbedRole, string> {
  const prompts = (config?.prompts ?? {}) as Record<string, unknown>;
  const text = (...names: string[]) =>
    names.map((name) => prompts[name]).find((it) => typeof it === 'string') ?? '';
  return { query: text('query') as string, passage: text('passage', 'document') as string };
}

async function readJson(path: string, name: string): Promise<Json | undefined> {
  let text: string;
  try {
    text = await readFile(join(path, name), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return undefined;
    }
    throw invalid(path, `${name} cannot be read (${messageOf(error)})`);
  }
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
      return json as Json;
    }
  } catch (error) {
    throw invalid(path, `${name} is not JSON (${messageOf(error)})`);
  }
  throw invalid(path, `${name} is not a JSON object`);
}

async function filesOf(path: string): Promise<string[]> {
  const entries = await readdir(path).catch(() => []);
  const files = await Promise.all(entries.map((name) => isFile(join(path, name))));
  return entries.filter((_, i) => files[i]).sort();
}

/** Follows symbolic links, which hub caches are made of. */
async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (it) => it.isFile(),
    () => false,
  );
}

/** Configurations write "no limit" as numbers like 1e30. */
function positiveInteger(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

function invalid(path: string, reason: string): HaetaeError {
  return new HaetaeError(
    'MODEL_INVALID',
    `The encoder folder ${path} cannot be used: ${reason}. It must follow the Hugging Face layout with ONNX.`,
    { path },
  );
}
