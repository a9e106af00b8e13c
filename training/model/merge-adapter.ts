/**
 * Puts an adapter into the weights it was trained beside: W + (α / r) · B·A, as a model folder like the base's.
 *
 * File by file and by ranges of rows, so that memory does not grow with the model; sums are made in float64 and
 * rounded once, to the type the base has. What the adapter does not touch is copied byte by byte. The new folder is
 * complete or absent.
 */
import { access, copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError } from '../../shared/errors.js';
import { Checkpoint, type CheckpointTensor, floatTypes } from '../../shared/lm/checkpoint.js';
import { readDecoderConfig } from '../../shared/lm/decoder-config.js';
import { checkTarget, copySideFiles } from '../../shared/lm/quantize/folder-files.js';
import { createSafetensors, type SafetensorsWriter } from '../../shared/lm/quantize/safetensors-writer.js';
import { openTensorReader, rowLength, type TensorReader } from '../../shared/lm/quantize/tensor-reader.js';
import { toBfloat16, toFloat16 } from '../../shared/onnx/half-float.js';
import { type Progress, silentProgress } from '../../shared/progress.js';
import { checkShape, readAdapterFolder } from './adapter-folder.js';
import { linearLayers } from './linear-layers.js';
import { loraA, loraB, loraPartsOf } from './lora.js';
import { writeFolder } from './save-checkpoint.js';

export interface MergeAdapterOptions {
  /** Model folder the adapter was trained on. */
  base: string;
  /** Folder with `adapter_config.json`. */
  adapter: string;
  /** Folder to make; must not exist. */
  out: string;
  /** Stops between two ranges of rows, and leaves nothing behind. */
  signal?: AbortSignal;
  /** Called once with the number of tensors. */
  progress?: (total: number) => Progress;
}

export interface MergedAdapter {
  /** Tensors that were changed, and all. */
  merged: number;
  tensors: number;
  r: number;
  alpha: number;
}

/** What is added to a tensor of the base. */
interface Update {
  a: Float32Array; // [r, in]
  b: Float32Array; // [out, r]
  scale: number;
}

const single = 'model.safetensors';
const index = 'model.safetensors.index.json';

/** Numbers of a range of rows. */
const rangeElements = 2 ** 20;

/** @throws HaetaeError USAGE, FILE_NOT_FOUND, MODEL_INVALID, MODEL_UNSUPPORTED */
export async function mergeAdapter(options: MergeAdapterOptions): Promise<MergedAdapter> {
  const { base, adapter, out, signal } = options;
  await checkTarget(base, out);
  const config = await readDecoderConfig(base);
  if (config.quantization) {
    throw new HaetaeError(
      'MODEL_UNSUPPORTED',
      `${base} is quantised, and adapters are added to float weights. Merge into the original checkpoint.`,
      { folder: base },
    );
  }
  const checkpoint = await Checkpoint.open(base);
  const { r, alpha, targets, tensors } = await readAdapterFolder(adapter);
  const lora = { r, alpha, targets, dropout: 0 as const };
  const adapted = new Map<string, string>();
  for (let n = 0; n < config.nLayer; n++) {
    for (const linear of linearLayers(config)) {
      for (const { name, rows } of loraPartsOf(linear, lora)) {
        const module = `model.layers.${n}.${linear.module}.${name}`;
        const peft = `base_model.model.${module}`;
        checkShape(adapter, tensors, loraA(peft), [r, linear.columns]);
        checkShape(adapter, tensors, loraB(peft), [rows, r]);
        checkpoint.typedTensor(`${module}.weight`, floatTypes, [rows, linear.columns]);
        adapted.set(`${module}.weight`, peft);
      }
    }
  }
  if (tensors.size !== 2 * adapted.size) {
    const reason = `it has ${tensors.size} tensors, and the ${config.nLayer} layers of ${base} take ${2 * adapted.size}`;
    throw new HaetaeError('MODEL_INVALID', `The adapter ${adapter} is of another model: ${reason}.`, {
      path: adapter,
    });
  }
  const adapterReader = openTensorReader(tensors);
  const reader = openTensorReader(checkpoint.tensors);
  const progress = options.progress?.(checkpoint.tensors.size) ?? silentProgress;
  try {
    await writeFolder(out, async (temporary) => {
      const files = await filesOf(base, checkpoint);
      for (const [file, own] of files.byName) {
        const writer = await createSafetensors(join(temporary, file), own);
        try {
          for (const tensor of own) {
            const peft = adapted.get(tensor.name);
            const update = peft === undefined ? null : await readUpdate(adapterReader, peft, alpha / r);
            await writeTensor(reader, writer, tensor, update, signal);
            progress.tick(tensor.name);
          }
          await writer.finish();
        } catch (error) {
          await writer.abandon();
          throw error;
        }
      }
      for (const name of ['config.json', ...files.beside])
        await copyFile(join(base, name), join(temporary, name));
      await copySideFiles(base, temporary);
      signal?.throwIfAborted();
    });
  } finally {
    progress.stop();
    await Promise.all([reader.close(), adapterReader.close()]);
  }
  return { merged: adapted.size, tensors: checkpoint.tensors.size, r, alpha };
}

async function readUpdate(reader: TensorReader, peft: string, scale: number): Promise<Update> {
  const read = async (name: string) => {
    const rows = reader.tensors.get(name)!.shape[0]!;
    // The reader's array is valid until it reads again.
    return (await reader.readRows(name, 0, rows)).slice();
  };
  return { a: await read(loraA(peft)), b: await read(loraB(peft)), scale };
}

async function writeTensor(
  reader: TensorReader,
  writer: SafetensorsWriter,
  tensor: CheckpointTensor,
  update: Update | null,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { name, type, shape, length } = tensor;
  const rows = shape[0] ?? 1;
  if (length === 0) return;
  const rowBytes = length / rows;
  const step = Math.max(1, Math.floor(rangeElements / rowLength(tensor)));
  for (let row = 0; row < rows; row += step) {
    signal?.throwIfAborted();
    const count = Math.min(step, rows - row);
    if (!update) {
      await writer.write(name, row * rowBytes, await reader.readBytes(name, row, count));
      continue;
    }
    const weights = await reader.readRows(name, row, count);
    addUpdate(weights, row, count, update);
    const stored =
      type === 'float32' ? weights : type === 'float16' ? toFloat16(weights) : toBfloat16(weights);
    await writer.write(name, row * rowBytes, stored);
  }
}

/** weights[o] += scale · Σ_k b[o, k] · a[k], of `count` rows o from `first` on. */
function addUpdate(weights: Float32Array, first: number, count: number, { a, b, scale }: Update): void {
  const columns = weights.length / count;
  const r = a.length / columns;
  const sum = new Float64Array(columns);
  for (let i = 0; i < count; i++) {
    sum.fill(0);
    for (let k = 0; k < r; k++) {
      const factor = b[(first + i) * r + k]!;
      if (factor === 0) continue;
      const at = k * columns;
      for (let j = 0; j < columns; j++) sum[j] = sum[j]! + factor * a[at + j]!;
    }
    const at = i * columns;
    for (let j = 0; j < columns; j++) weights[at + j] = weights[at + j]! + scale * sum[j]!;
  }
}

/**
 * The weight files by the names they have in the folder (a checkpoint knows them by their real paths), and what
 * stands beside them.
 */
async function filesOf(
  base: string,
  checkpoint: Checkpoint,
): Promise<{ byName: Map<string, CheckpointTensor[]>; beside: string[] }> {
  const tensors = [...checkpoint.tensors.values()];
  // As `Checkpoint` does, one file goes before an index.
  if (await isThere(join(base, single))) return { byName: new Map([[single, tensors]]), beside: [] };
  const { weight_map: map } = JSON.parse(await readFile(join(base, index), 'utf8')) as {
    weight_map: Record<string, string>;
  };
  const names = new Map(Object.entries(map).map(([name, file]) => [checkpoint.tensor(name).path, file]));
  const byName = new Map<string, CheckpointTensor[]>();
  for (const tensor of tensors) {
    const file = names.get(tensor.path)!;
    byName.set(file, [...(byName.get(file) ?? []), tensor]);
  }
  return { byName, beside: [index] };
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
