/**
 * A Hugging Face checkpoint to a folder of 4- or 8-bit blocks (`quantized-tensor.ts`), streaming.
 *
 * Weights are read in ranges of rows of about 4 M elements and written as soon as they are integers, so memory does
 * not grow with the model: the largest range as it lies in the file, as float32 and as integers. (A calibrated
 * method holds more; `calibrate-layers.ts` says what.) Everything is written to a temporary folder beside the
 * target and renamed at the end, so that the target is complete or absent.
 */
import { randomUUID } from 'node:crypto';
import { constants, copyFile, lstat, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { HaetaeError, messageOf } from '../../errors.js';
import { type Progress, silentProgress } from '../../progress.js';
import { writeAtomically } from '../../write-atomically.js';
import type { QuantizationConfig } from '../model-config.js';
import { type QuantizationJson, quantizedShapes, quantMethod } from '../quantized-tensor.js';
import { locateTensors } from './locate-tensors.js';
import { type LayerPlan, type PlannedLayer, planLayers } from './plan-layers.js';
import { allocateRows, quantizeBlocks, type ScaleRule } from './quantize-blocks.js';
import { createSafetensors, type PlannedTensor, type SafetensorsWriter } from './safetensors-writer.js';
import { openTensorReader, rowLength, type TensorReader } from './tensor-reader.js';

/** Elements of a range of rows that is in memory at once, at least one row. */
const rangeElements = 4 * 2 ** 20;

export interface QuantizeFolderOptions extends Omit<QuantizationConfig, 'method'> {
  /** Folder with `config.json` and safetensors. */
  model: string;
  /** Folder to make; must not exist. */
  out: string;
  /** Plain round-to-nearest, with scales by largest magnitude (default) or by search. */
  scales?: ScaleRule;
  /** Stops between two ranges of rows, and leaves nothing behind. */
  signal?: AbortSignal;
  /** Called once with the number of layers. */
  progress?: (total: number) => Progress;
  /** Parameter for tests: what reads the checkpoint. */
  openReader?: typeof openTensorReader;
}

export interface QuantizedFolder {
  quantization: QuantizationConfig;
  /** Of the checkpoint's tensors, a tied head counted once. */
  parameters: number;
  /** Bytes of the checkpoint's tensors. */
  checkpointBytes: number;
  /** Bytes of `model.safetensors` in the new folder. */
  quantizedBytes: number;
  /** 8 · quantizedBytes / parameters */
  bitsPerWeight: number;
}

/** @throws HaetaeError USAGE, MODEL_INVALID, MODEL_UNSUPPORTED */
export async function quantizeFolder(options: QuantizeFolderOptions): Promise<QuantizedFolder> {
  const { model, out, signal } = options;
  await checkTarget(model, out);
  const config = await readConfig(model);
  const tensors = await locateTensors(model);
  const plan = planLayers(tensors, { nLayer: config.nLayer, tiedHead: config.tiedHead }, options);
  const quantization: QuantizationConfig = {
    bits: options.bits,
    blockSize: options.blockSize,
    headBits: options.headBits,
    embedding: options.embedding,
    method: options.scales === 'search' ? 'rtn-search' : 'rtn',
  };

  const temporary = `${resolve(out)}.${randomUUID()}.partial`;
  const reader = (options.openReader ?? openTensorReader)(tensors);
  const progress = options.progress?.(plan.layers.length) ?? silentProgress;
  try {
    await mkdir(temporary, { recursive: true });
    const writer = await createSafetensors(
      join(temporary, 'model.safetensors'),
      plannedTensors(plan, tensors, options.blockSize),
    );
    try {
      await copyPlainTensors(plan, reader, writer, signal);
      for (const layer of plan.layers) {
        await writeRoundedLayer(layer, options, reader, writer);
        await writeBias(layer, reader, writer);
        progress.tick(layer.name);
      }
      await writer.finish();
    } catch (error) {
      await writer.abandon();
      throw error;
    }
    await writeConfig(temporary, config.json, quantization);
    await copySideFiles(model, temporary);
    signal?.throwIfAborted();
    await rename(temporary, resolve(out));
    const parameters = countParameters(plan, tensors);
    return {
      quantization,
      parameters,
      checkpointBytes: sum([...tensors.values()].map(({ length }) => length)),
      quantizedBytes: writer.bytes,
      bitsPerWeight: (8 * writer.bytes) / parameters,
    };
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  } finally {
    progress.stop();
    await reader.close();
  }

  async function writeRoundedLayer(
    layer: PlannedLayer,
    { blockSize, scales = 'absmax' }: QuantizeFolderOptions,
    source: TensorReader,
    writer: SafetensorsWriter,
  ): Promise<void> {
    const format = { bits: layer.bits, block: blockSize, scales };
    const rowsAtOnce = Math.max(1, Math.floor(rangeElements / layer.k));
    const room = allocateRows(Math.min(rowsAtOnce, layer.n), layer.k, format);
    let row = 0;
    for (const part of layer.parts) {
      const rows = tensors.get(`${part}.weight`)!.shape[0]!;
      for (let first = 0; first < rows; first += rowsAtOnce) {
        signal?.throwIfAborted();
        const count = Math.min(rowsAtOnce, rows - first);
        const weights = await source.readRows(`${part}.weight`, first, count);
        const codes = {
          qweight: room.qweight.subarray(0, (weights.length * layer.bits) / 8),
          scales: room.scales.subarray(0, weights.length / blockSize),
        };
        quantizeBlocks(weights, format, codes);
        checkFinite(codes.scales, part);
        await writer.write(
          `${layer.name}.qweight`,
          ((row + first) * layer.k * layer.bits) / 8,
          codes.qweight,
        );
        await writer.write(`${layer.name}.scales`, (((row + first) * layer.k) / blockSize) * 4, codes.scales);
      }
      row += rows;
    }
  }
}

function plannedTensors(
  plan: LayerPlan,
  tensors: TensorReader['tensors'],
  blockSize: number,
): PlannedTensor[] {
  const planned: PlannedTensor[] = [];
  for (const { name, n, k, bits, hasBias } of plan.layers) {
    const { qweight, scales } = quantizedShapes(n, k, bits, blockSize);
    planned.push({ name: `${name}.qweight`, type: 'uint8', shape: qweight });
    planned.push({ name: `${name}.scales`, type: 'float32', shape: scales });
    if (hasBias) planned.push({ name: `${name}.bias`, type: 'float32', shape: [n] });
  }
  for (const name of plan.norms) {
    planned.push({ name, type: 'float32', shape: tensors.get(name)!.shape });
  }
  if (plan.embedding) {
    const { type, shape } = tensors.get(plan.embedding)!;
    planned.push({ name: plan.embedding, type, shape });
  }
  return planned;
}

/** Norms as float32, the embedding as it is. */
async function copyPlainTensors(
  plan: LayerPlan,
  reader: TensorReader,
  writer: SafetensorsWriter,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const name of plan.norms) {
    await writer.write(name, 0, await reader.readRows(name, 0, reader.tensors.get(name)!.shape[0]!));
  }
  if (!plan.embedding) return;
  const tensor = reader.tensors.get(plan.embedding)!;
  const rows = tensor.shape[0]!;
  const rowsAtOnce = Math.max(1, Math.floor(rangeElements / rowLength(tensor)));
  for (let first = 0; first < rows; first += rowsAtOnce) {
    signal?.throwIfAborted();
    const bytes = await reader.readBytes(plan.embedding, first, Math.min(rowsAtOnce, rows - first));
    await writer.write(plan.embedding, (tensor.length / rows) * first, bytes);
  }
}

async function writeBias(
  layer: PlannedLayer,
  reader: TensorReader,
  writer: SafetensorsWriter,
): Promise<void> {
  if (!layer.hasBias) return;
  let at = 0;
  for (const part of layer.parts) {
    const bias = await reader.readRows(`${part}.bias`, 0, reader.tensors.get(`${part}.bias`)!.shape[0]!);
    await writer.write(`${layer.name}.bias`, at * 4, bias);
    at += bias.length;
  }
}

/** The scale of a block with NaN or infinity is NaN. */
function checkFinite(scales: Float32Array, part: string): void {
  if (scales.every(Number.isFinite)) return;
  throw new HaetaeError(
    'MODEL_INVALID',
    `Tensor "${part}.weight" holds NaN or infinity, which no integer stands for. Copy or download the checkpoint again.`,
    { tensor: `${part}.weight` },
  );
}

async function checkTarget(model: string, out: string): Promise<void> {
  const inside = relative(resolve(model), resolve(out));
  if (inside === '' || !(inside === '..' || inside.startsWith(`..${sep}`))) {
    throw new HaetaeError(
      'USAGE',
      `The output folder ${out} is the model folder or lies in it. Name another folder with -o.`,
    );
  }
  if (await lstat(out).catch(() => undefined)) {
    throw new HaetaeError('USAGE', `${out} exists already. Name a folder that does not, or remove it.`);
  }
}

interface FolderConfig {
  json: Record<string, unknown>;
  nLayer: number;
  tiedHead: boolean;
}

async function readConfig(folder: string): Promise<FolderConfig> {
  const path = join(folder, 'config.json');
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new HaetaeError(
      'MODEL_INVALID',
      `${folder} is no model folder: its config.json cannot be read (${messageOf(error)}).`,
      { folder },
    );
  });
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new HaetaeError('MODEL_INVALID', `${path} is not JSON: ${messageOf(error)}.`, { path });
  }
  if (json.quantization_config !== undefined) {
    const method = (json.quantization_config as { quant_method?: unknown } | null)?.quant_method;
    throw new HaetaeError(
      'MODEL_UNSUPPORTED',
      `${folder} is quantised already (${JSON.stringify(method)}). Start from the original checkpoint.`,
      { folder },
    );
  }
  return {
    json,
    nLayer: Number(json.num_hidden_layers),
    tiedHead: json.tie_word_embeddings === true,
  };
}

async function writeConfig(
  folder: string,
  checkpointConfig: Record<string, unknown>,
  quantization: QuantizationConfig,
): Promise<void> {
  const quantizationJson: QuantizationJson = {
    quant_method: quantMethod,
    bits: quantization.bits,
    block_size: quantization.blockSize,
    head_bits: quantization.headBits,
    embedding: quantization.embedding,
    method: quantization.method,
  };
  const json = { ...checkpointConfig, quantization_config: quantizationJson };
  await writeAtomically(join(folder, 'config.json'), `${JSON.stringify(json, null, 2)}\n`);
}

/** Tokenizer, chat template, generation defaults, licence and read-me, where they are. */
const sideFile =
  /^(?:(?:tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|generation_config)\.json|tokenizer\.model|merges\.txt|chat_template\.(?:jinja|json)|(?:licen[cs]e|notice|copying|readme|use_policy).*)$/iu;

async function copySideFiles(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) {
    if (!sideFile.test(name)) continue;
    const source = join(from, basename(name));
    // Files of a hub cache are links; what they point to is copied.
    if ((await stat(source)).isFile()) await copyFile(source, join(to, name), constants.COPYFILE_EXCL);
  }
}

function countParameters(plan: LayerPlan, tensors: TensorReader['tensors']): number {
  const names = new Set(plan.norms);
  if (plan.embedding) names.add(plan.embedding);
  for (const { parts, hasBias } of plan.layers) {
    for (const part of parts) {
      names.add(`${part}.weight`);
      if (hasBias) names.add(`${part}.bias`);
    }
  }
  return sum([...names].map((name) => sum1(tensors.get(name)!.shape)));
}

const sum1 = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
