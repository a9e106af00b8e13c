/**
 * Checkpoints of a run, one folder each:
 *
 * ```
 * checkpoint-500/training-state.safetensors    parameters and optimizer moments
 * checkpoint-500/meta.json                     configuration, step, optimizer state, position in the data, …
 * ```
 *
 * A folder is complete or absent: it is written under another name, synced, and renamed. What a killed run left under
 * that other name is removed by the next one. `meta.json` says how long the tensor file is, so that a copy that lost
 * its end is passed over for the one before.
 */
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { createSafetensors } from '../../shared/lm/quantize/safetensors-writer.js';
import { type NamedTensor, readSafetensorsHeader } from '../../shared/onnx/safetensors.js';
import { bytesOf } from '../../shared/onnx/tensor-type.js';
import type { DivergenceState } from './divergence.js';
import type { FilePositions } from './metrics-log.js';
import type { TaskState } from './training-task.js';

export const checkpointFormatVersion = 1;

export interface CheckpointMeta {
  formatVersion: typeof checkpointFormatVersion;
  program: string;
  step: number;
  /** Tokens read, and seconds spent in training, since the run began. */
  tokens: number;
  seconds: number;
  createdAt: string;
  /** The run file with all defaults. */
  config: Readonly<Record<string, unknown>>;
  /** What the run reads, by a name for people: sha256. */
  inputs: Readonly<Record<string, string>>;
  task: TaskState;
  divergence: DivergenceState;
  /** Lengths of the files that the run appends to. */
  files: FilePositions;
  /** Bytes of the tensor file. */
  tensorBytes: number;
}

export interface CheckpointFolder {
  path: string;
  meta: CheckpointMeta;
}

const tensorFile = 'training-state.safetensors';
const metaFile = 'meta.json';
const partialPattern = /^\.checkpoint-\d+\.partial$/u;

/** Writes a checkpoint and returns its folder. @throws Error as the file system has it, with nothing left behind. */
export async function writeCheckpoint(
  output: string,
  meta: Omit<CheckpointMeta, 'formatVersion' | 'tensorBytes'>,
  tensors: readonly NamedTensor[],
): Promise<string> {
  const path = join(output, `checkpoint-${meta.step}`);
  const partial = join(output, `.checkpoint-${meta.step}.partial`);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  try {
    const writer = await createSafetensors(join(partial, tensorFile), tensors);
    try {
      for (const { name, data } of tensors) await writer.write(name, 0, data);
      await writer.finish();
    } catch (error) {
      await writer.abandon();
      throw error;
    }
    const whole: CheckpointMeta = {
      formatVersion: checkpointFormatVersion,
      ...meta,
      tensorBytes: writer.bytes,
    };
    await writeFile(join(partial, metaFile), `${JSON.stringify(whole, null, 2)}\n`);
    await sync(join(partial, metaFile));
    await sync(partial);
    await rm(path, { recursive: true, force: true });
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  await sync(output);
  return path;
}

/** Steps of the checkpoints in `output`, newest first; complete or not. */
async function checkpointSteps(output: string): Promise<number[]> {
  const names = await readdir(output).catch((): string[] => []);
  return names
    .flatMap((name) => /^checkpoint-(\d+)$/u.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
}

/** The newest checkpoint that is whole, or null. `warn` hears of those passed over. */
export async function newestCheckpoint(
  output: string,
  warn: (line: string) => void,
): Promise<CheckpointFolder | null> {
  for (const step of await checkpointSteps(output)) {
    const path = join(output, `checkpoint-${step}`);
    try {
      return { path, meta: await readMeta(path, step) };
    } catch (error) {
      warn(`${path} is passed over: ${messageOf(error)}`);
    }
  }
  return null;
}

async function readMeta(path: string, step: number): Promise<CheckpointMeta> {
  const meta = JSON.parse(await readFile(join(path, metaFile), 'utf8')) as Partial<CheckpointMeta> | null;
  const sections = [meta?.config, meta?.inputs, meta?.task, meta?.divergence, meta?.files];
  if (meta?.formatVersion !== checkpointFormatVersion || meta.step !== step || !sections.every(Boolean)) {
    throw new Error(`${metaFile} is not that of a checkpoint of format ${checkpointFormatVersion}`);
  }
  const { size } = await stat(join(path, tensorFile));
  if (size !== meta.tensorBytes) throw new Error(`${tensorFile} has ${size} of ${meta.tensorBytes} bytes`);
  await readSafetensorsHeader(join(path, tensorFile));
  return meta as CheckpointMeta;
}

/** A function that fills a tensor's data from the checkpoint. */
export async function checkpointReader(path: string): Promise<(tensor: NamedTensor) => Promise<void>> {
  const file = join(path, tensorFile);
  const { tensors } = await readSafetensorsHeader(file);
  return async ({ name, type, shape, data }) => {
    const entry = tensors.get(name);
    if (!entry || entry.type !== type || entry.shape.join() !== shape.join()) {
      const found = entry ? `is ${entry.type} [${entry.shape.join(', ')}]` : 'is missing';
      throw new HaetaeError(
        'CONFIG_INVALID',
        `${file}: tensor "${name}" ${found}, the model has ${type} [${shape.join(', ')}]. ` +
          'Train into another folder.',
        { path: file, tensor: name },
      );
    }
    const handle = await open(file, 'r');
    try {
      const target = bytesOf(data);
      for (let done = 0; done < target.byteLength; ) {
        const length = Math.min(target.byteLength - done, 2 ** 30);
        const { bytesRead } = await handle.read(target, done, length, entry.offset + done);
        if (bytesRead === 0) throw new Error(`${file} ends inside tensor "${name}"`);
        done += bytesRead;
      }
    } finally {
      await handle.close();
    }
  };
}

/**
 * Removes all but the newest `keep` checkpoints up to that of `step`, which was written just now. Later ones are those
 * the run did not go on from, since they are damaged.
 */
export async function pruneCheckpoints(output: string, keep: number, step: number): Promise<void> {
  const steps = await checkpointSteps(output);
  const kept = steps.filter((it) => it <= step).slice(0, keep);
  for (const old of steps.filter((it) => !kept.includes(it))) {
    await rm(join(output, `checkpoint-${old}`), { recursive: true, force: true });
  }
}

/** Removes what a killed run was writing. */
export async function removePartialCheckpoints(output: string): Promise<void> {
  const names = await readdir(output).catch((): string[] => []);
  for (const name of names.filter((it) => partialPattern.test(it))) {
    await rm(join(output, name), { recursive: true, force: true });
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  // Some file systems refuse to sync a folder, which is theirs to decide.
  await handle.sync().catch(() => {});
  await handle.close();
}
