/**
 * A trained model as a Hugging Face folder: `config.json`, `generation_config.json`, `model.safetensors` in the
 * names and shapes of `transformers`, and the tokenizer's files. `readDecoderConfig` and `Checkpoint.open` read it
 * back, and so do the student runtime and `transformers`.
 */
import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import type { DecoderConfig } from '../../shared/lm/model-config.js';
import { copySideFiles } from '../../shared/lm/quantize/folder-files.js';
import { createSafetensors } from '../../shared/lm/quantize/safetensors-writer.js';
import { toBfloat16 } from '../../shared/onnx/half-float.js';
import { writeAtomically } from '../../shared/write-atomically.js';
import { decoderConfigJson, generationConfigJson } from './config-json.js';
import type { DecoderParameter } from './decoder-parameters.js';
import { type PartValues, partValues } from './parameter-values.js';

export interface SaveCheckpointOptions {
  /** Model folder whose tokenizer, chat template, generation defaults and licence are copied. */
  tokenizerFrom?: string;
  /** Type of the stored weights. Default `float32`. */
  dtype?: 'float32' | 'bfloat16';
}

/** Numbers that are converted at a time. */
const rangeElements = 2 ** 20;

/**
 * Writes a new folder: complete, or not at all (a temporary folder beside it is renamed at the end).
 * @throws HaetaeError USAGE where it exists already, MODEL_UNSUPPORTED where the family cannot say the configuration
 */
export async function saveCheckpoint(
  folder: string,
  config: DecoderConfig,
  parameters: readonly DecoderParameter[],
  values: ReadonlyMap<string, Float32Array>,
  options: SaveCheckpointOptions = {},
): Promise<void> {
  await writeFolder(folder, (temporary) => writeModelFiles(temporary, config, parameters, values, options));
}

/** Puts the files of `saveCheckpoint` into a folder that is there, for one who makes the folder appear himself. */
export async function writeModelFiles(
  folder: string,
  config: DecoderConfig,
  parameters: readonly DecoderParameter[],
  values: ReadonlyMap<string, Float32Array>,
  { tokenizerFrom, dtype = 'float32' }: SaveCheckpointOptions = {},
): Promise<void> {
  const json = decoderConfigJson(config, dtype);
  const tensors = parameters.flatMap((parameter) => partValues(parameter, values));
  if (tokenizerFrom !== undefined) await copySideFiles(tokenizerFrom, folder);
  const generation = await readJson(join(folder, 'generation_config.json'));
  await writeJson(join(folder, 'config.json'), json);
  await writeJson(join(folder, 'generation_config.json'), generationConfigJson(config, generation));
  await writeTensors(join(folder, 'model.safetensors'), tensors, dtype);
}

/**
 * Makes a new folder by way of a temporary one, which is removed where `fill` fails.
 * @throws HaetaeError USAGE where the folder exists already
 */
export async function writeFolder(folder: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  const target = resolve(folder);
  if (await lstat(target).catch(() => undefined)) {
    throw new HaetaeError('USAGE', `${folder} exists already. Name a folder that does not, or remove it.`, {
      path: folder,
    });
  }
  const temporary = `${target}.${randomUUID()}.partial`;
  try {
    await mkdir(temporary, { recursive: true });
    await fill(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** One safetensors file, written piece by piece. */
export async function writeTensors(
  path: string,
  tensors: readonly PartValues[],
  dtype: 'float32' | 'bfloat16',
): Promise<void> {
  const writer = await createSafetensors(
    path,
    tensors.map(({ name, shape }) => ({ name, type: dtype, shape })),
  );
  try {
    for (const { name, values } of tensors) {
      for (let at = 0; at < values.length; at += rangeElements) {
        const range = values.subarray(at, at + rangeElements);
        const isNarrow = dtype === 'bfloat16';
        await writer.write(name, at * (isNarrow ? 2 : 4), isNarrow ? toBfloat16(range) : range);
      }
    }
    await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

export async function writeJson(path: string, json: Record<string, unknown>): Promise<void> {
  await writeAtomically(path, `${JSON.stringify(json, null, 2)}\n`);
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  const text = await readFile(path, 'utf8').catch(() => '{}');
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new HaetaeError('MODEL_INVALID', `${path} is not JSON (${messageOf(error)}). Copy it again.`, {
      path,
    });
  }
}
