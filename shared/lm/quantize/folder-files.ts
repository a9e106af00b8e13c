/** The files of a quantised model folder beside its weights, and what may become one. */
import { constants, copyFile, lstat, readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { HaetaeError } from '../../errors.js';
import { writeAtomically } from '../../write-atomically.js';
import { readDecoderConfig } from '../decoder-config.js';
import type { DecoderConfig, QuantizationConfig } from '../model-config.js';
import { type QuantizationJson, quantMethod } from '../quantized-tensor.js';

/** @throws HaetaeError USAGE */
export async function checkTarget(model: string, out: string): Promise<void> {
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

/** @throws HaetaeError MODEL_INVALID, MODEL_UNSUPPORTED */
export async function readConfig(
  folder: string,
): Promise<{ config: DecoderConfig; json: Record<string, unknown> }> {
  const config = await readDecoderConfig(folder);
  if (config.quantization) {
    throw new HaetaeError(
      'MODEL_UNSUPPORTED',
      `${folder} is quantised already (${config.quantization.method}, ${config.quantization.bits} bits). Start from the original checkpoint.`,
      { folder },
    );
  }
  const json = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
  return { config, json };
}

/** The checkpoint's own, and how it is quantised. */
export async function writeConfig(
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

export async function copySideFiles(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) {
    if (!sideFile.test(name)) continue;
    const source = join(from, name);
    // Files of a hub cache are links; what they point to is copied.
    if ((await stat(source)).isFile()) await copyFile(source, join(to, name), constants.COPYFILE_EXCL);
  }
}
