/**
 * A Hugging Face checkpoint to a folder of 4- or 8-bit blocks (`quantized-tensor.ts`), streaming.
 *
 * Weights are read in ranges of rows of about a million elements and written as soon as they are integers, so memory does
 * not grow with the model: the largest range as it lies in the file, as float32 and as integers. (GPTQ holds more;
 * `calibration.ts` says what.) Everything is written to a temporary folder beside the target and renamed at the
 * end, so that the target is complete or absent.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { HaetaeError } from '../../errors.js';
import { elementCount } from '../../onnx/tensor-type.js';
import { type Progress, silentProgress } from '../../progress.js';
import { Checkpoint } from '../checkpoint.js';
import type { DecoderConfig, QuantizationConfig } from '../model-config.js';
import { quantizedShapes } from '../quantized-tensor.js';
import { checkTarget, copySideFiles, readConfig, writeConfig } from './folder-files.js';
import { createLayerWriter, rangeElements } from './layer-writer.js';
import { type LayerPlan, planLayers } from './plan-layers.js';
import { createSafetensors, type PlannedTensor, type SafetensorsWriter } from './safetensors-writer.js';
import { openTensorReader, rowLength, type TensorReader } from './tensor-reader.js';
import { writeCalibrated } from './write-calibrated.js';

/**
 * `rtn`: round to nearest, scales by largest magnitude. `rtn-search`: scales searched for the least squared error
 * (4 bits). `gptq`: those, and error feedback for the activations of a text.
 */
export const quantizeMethods = ['rtn', 'rtn-search', 'gptq'] as const;
export type QuantizeMethod = (typeof quantizeMethods)[number];

export interface QuantizeFolderOptions extends QuantizationConfig {
  /** Folder with `config.json` and safetensors. */
  model: string;
  /** Folder to make; must not exist. */
  out: string;
  method: QuantizeMethod;
  /** Token ids for `gptq`, all of one length (see `calibration-text.ts`). */
  sequences?: readonly (readonly number[])[];
  /** Of ONNX Runtime, for `gptq`. Default 1. */
  threads?: number;
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
  /** Bytes of the checkpoint's weight files. */
  checkpointBytes: number;
  /** Bytes of `model.safetensors` in the new folder. */
  quantizedBytes: number;
  /** 8 · quantizedBytes / parameters: scales, norms and the embedding included. */
  bitsPerWeight: number;
}

/** @throws HaetaeError USAGE, MODEL_INVALID, MODEL_UNSUPPORTED */
export async function quantizeFolder(options: QuantizeFolderOptions): Promise<QuantizedFolder> {
  const { model, out, signal, bits, blockSize, headBits, embedding, method } = options;
  await checkTarget(model, out);
  const { config, json } = await readConfig(model);
  const checkpoint = await Checkpoint.open(model);
  const { tensors } = checkpoint;
  const plan = planLayers(tensors, config, options);
  if (method === 'gptq') checkSequences(options.sequences ?? [], config);
  const quantization: QuantizationConfig = { bits, blockSize, headBits, embedding, method };

  const temporary = `${resolve(out)}.${randomUUID()}.partial`;
  const reader = (options.openReader ?? openTensorReader)(tensors);
  const progress = options.progress?.(plan.layers.length) ?? silentProgress;
  try {
    await mkdir(temporary, { recursive: true });
    const writer = await createSafetensors(
      join(temporary, 'model.safetensors'),
      plannedTensors(plan, tensors, blockSize),
    );
    try {
      const interruptible = signal ? { signal } : {};
      const scales = method === 'rtn' ? 'absmax' : 'search';
      const layerWriter = createLayerWriter({ reader, writer, blockSize, scales, ...interruptible });
      const done = (layer: string) => progress.tick(layer);
      await copyPlainTensors(plan, reader, writer, signal);
      if (method === 'gptq') {
        const { sequences = [], threads = 1 } = options;
        const source = { config, plan, reader, layerWriter };
        await writeCalibrated({ ...source, sequences, threads, done, ...interruptible });
      } else {
        for (const layer of plan.layers) {
          await layerWriter.write(layer);
          done(layer.name);
        }
      }
      await writer.finish();
    } catch (error) {
      await writer.abandon();
      throw error;
    }
    await writeConfig(temporary, json, quantization);
    await copySideFiles(model, temporary);
    signal?.throwIfAborted();
    await rename(temporary, resolve(out));
    const parameters = countParameters(plan, tensors);
    return {
      quantization,
      parameters,
      checkpointBytes: checkpoint.bytes,
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
}

/** @throws HaetaeError USAGE */
function checkSequences(sequences: readonly (readonly number[])[], config: DecoderConfig): void {
  const length = sequences[0]?.length ?? 0;
  if (length === 0) {
    throw new HaetaeError(
      'USAGE',
      'The method gptq needs a calibration text. Name one with --calibration FILE.',
    );
  }
  if (length > config.maxPositions) {
    throw new HaetaeError(
      'USAGE',
      `Calibration sequences of ${length} tokens do not fit the model's ${config.maxPositions} positions.`,
    );
  }
  for (const ids of sequences) {
    const unknown = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < config.vocabSize));
    if (ids.length !== length || unknown !== undefined) {
      throw new HaetaeError(
        'USAGE',
        unknown === undefined
          ? `Calibration sequences have ${ids.length} and ${length} tokens; expected one length.`
          : `The calibration text has the token ${unknown}, the model knows ${config.vocabSize}. Its tokenizer.json is another model's.`,
      );
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

function countParameters(plan: LayerPlan, tensors: TensorReader['tensors']): number {
  const names = new Set(plan.norms);
  if (plan.embedding) names.add(plan.embedding);
  for (const { parts, hasBias } of plan.layers) {
    for (const part of parts) {
      names.add(`${part}.weight`);
      if (hasBias) names.add(`${part}.bias`);
    }
  }
  return [...names].reduce((sum, name) => sum + elementCount(tensors.get(name)!.shape), 0);
}
