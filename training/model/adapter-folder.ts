/**
 * LoRA adapters as PEFT keeps them: `adapter_config.json`, and `adapter_model.safetensors` with the tensors
 * `base_model.model.model.layers.N.self_attn.q_proj.lora_A.weight` `[r, in]` and `….lora_B.weight` `[out, r]`.
 *
 * A field of the configuration that changes the computation in a way that is not implemented (DoRA, rank patterns,
 * saved modules, …) is an error that names it, and so is one that is not known: it might.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { floatTypes } from '../../shared/lm/checkpoint.js';
import { openTensorReader, type TensorReader } from '../../shared/lm/quantize/tensor-reader.js';
import { readSafetensorsHeader, type TensorEntry } from '../../shared/onnx/safetensors.js';
import type { DecoderParameter } from './decoder-parameters.js';
import { type LoraConfig, type LoraTarget, loraTargets } from './lora.js';
import { partValues } from './parameter-values.js';
import { writeFolder, writeJson, writeTensors } from './save-checkpoint.js';

const configFile = 'adapter_config.json';
const weightsFile = 'adapter_model.safetensors';
const pickleFile = 'adapter_model.bin';

/** Fields that do not change what an adapter computes, whatever they say. */
const inertFields = new Set([
  ...['auto_mapping', 'base_model_name_or_path', 'revision', 'task_type', 'peft_version', 'inference_mode'],
  ...[
    'target_modules',
    'exclude_modules',
    'layers_pattern',
    'megatron_core',
    'qalora_group_size',
    'runtime_config',
  ],
  // Read below.
  ...['peft_type', 'r', 'lora_alpha', 'lora_dropout', 'init_lora_weights'],
]);

/** Ways to begin that leave the base model's weights as they were. */
const plainInitialisations: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  'gaussian',
  'eva',
  'orthogonal',
];

export interface AdapterFolder {
  r: number;
  alpha: number;
  /** What it was trained with; it plays no part afterwards. */
  dropout: number;
  targets: readonly LoraTarget[];
  /** By PEFT's names. */
  tensors: ReadonlyMap<string, TensorEntry & { path: string }>;
}

export interface SaveAdapterOptions {
  /** Model or folder it was trained on, for `base_model_name_or_path`. */
  baseModel?: string;
}

/**
 * Writes a new folder: complete, or not at all.
 * @param parameters those of `loraParameters`
 * @throws HaetaeError USAGE where the folder exists already
 */
export async function saveAdapter(
  folder: string,
  lora: LoraConfig,
  parameters: readonly DecoderParameter[],
  values: ReadonlyMap<string, Float32Array>,
  options: SaveAdapterOptions = {},
): Promise<void> {
  await writeFolder(folder, (temporary) => writeAdapterFiles(temporary, lora, parameters, values, options));
}

/** Puts the files of `saveAdapter` into a folder that is there. */
export async function writeAdapterFiles(
  folder: string,
  lora: LoraConfig,
  parameters: readonly DecoderParameter[],
  values: ReadonlyMap<string, Float32Array>,
  { baseModel }: SaveAdapterOptions = {},
): Promise<void> {
  await writeJson(join(folder, configFile), {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: baseModel ?? null,
    inference_mode: true,
    r: lora.r,
    lora_alpha: lora.alpha,
    lora_dropout: lora.dropout,
    target_modules: lora.targets.map((target) => `${target}_proj`),
    bias: 'none',
    fan_in_fan_out: false,
    init_lora_weights: true,
    modules_to_save: null,
    use_dora: false,
    use_rslora: false,
  });
  const tensors = parameters.flatMap((parameter) => partValues(parameter, values));
  await writeTensors(join(folder, weightsFile), tensors, 'float32');
}

/**
 * Reads what a folder says of its adapters, written by us or by PEFT.
 * @throws HaetaeError FILE_NOT_FOUND, MODEL_INVALID where it is damaged, MODEL_UNSUPPORTED where its kind is another
 */
export async function readAdapterFolder(folder: string): Promise<AdapterFolder> {
  const json = await readConfig(folder);
  const kind = String(json.peft_type).toUpperCase();
  if (kind !== 'LORA') throw unsupported(folder, 'peft_type', json.peft_type, 'LORA');
  for (const [field, value] of Object.entries(json)) {
    if (!inertFields.has(field) && !isAbsent(value)) throw unsupported(folder, field, value, 'its default');
  }
  const begun = json.init_lora_weights;
  if (!plainInitialisations.includes(begun)) throw unsupported(folder, 'init_lora_weights', begun, 'true');
  const dropout = json.lora_dropout ?? 0;
  const { r, lora_alpha: alpha } = json;
  if (!isPositive(r) || !Number.isInteger(r))
    throw invalid(folder, `${configFile} says r: ${JSON.stringify(r)}`);
  if (!isPositive(alpha)) throw invalid(folder, `${configFile} says lora_alpha: ${JSON.stringify(alpha)}`);
  if (typeof dropout !== 'number')
    throw invalid(folder, `${configFile} says lora_dropout: ${JSON.stringify(dropout)}`);
  const path = join(folder, weightsFile);
  if (!(await isFile(path)) && (await isFile(join(folder, pickleFile)))) {
    throw new HaetaeError(
      'MODEL_UNSUPPORTED',
      `The adapter ${folder} is a pickle (${pickleFile}), which can run code when it is read. Save it again with PEFT, whose default is safetensors.`,
      { path: folder },
    );
  }
  const { tensors } = await readSafetensorsHeader(path);
  const located = new Map([...tensors].map(([name, entry]) => [name, { ...entry, path }]));
  return { r, alpha, dropout, targets: targetsOf(folder, r, located), tensors: located };
}

/**
 * Fills `values` (by parameter name) with the tensors of an adapter folder.
 * @param parameters those of `loraParameters` for the adapter's rank and targets
 * @throws HaetaeError as `readAdapterFolder`; MODEL_INVALID where a tensor is missing, has another shape or is more
 * than the model has
 */
export async function loadAdapter(
  folder: string,
  parameters: readonly DecoderParameter[],
  values: ReadonlyMap<string, Float32Array>,
): Promise<void> {
  const { tensors } = await readAdapterFolder(folder);
  const parts = parameters.flatMap((parameter) => partValues(parameter, values));
  for (const { name, shape } of parts) checkShape(folder, tensors, name, shape);
  const known = new Set(parts.map(({ name }) => name));
  const other = [...tensors.keys()].find((name) => !known.has(name));
  if (other !== undefined)
    throw invalid(folder, `its tensor "${other}" belongs to no adapter of this model and run`);
  const reader = openTensorReader(tensors);
  try {
    for (const { name, shape, values: target } of parts) await readInto(reader, name, shape[0]!, target);
  } finally {
    await reader.close();
  }
}

/** @throws HaetaeError MODEL_INVALID */
export function checkShape(
  folder: string,
  tensors: AdapterFolder['tensors'],
  name: string,
  shape: readonly number[],
): void {
  const tensor = tensors.get(name);
  if (!tensor) throw invalid(folder, `tensor "${name}" is missing`);
  if (tensor.shape.length !== shape.length || tensor.shape.some((size, i) => size !== shape[i])) {
    const found = `[${tensor.shape.join(', ')}], the model asks for [${shape.join(', ')}]`;
    throw invalid(folder, `tensor "${name}" has the shape ${found}`);
  }
}

async function readInto(
  reader: TensorReader,
  name: string,
  rows: number,
  target: Float32Array,
): Promise<void> {
  target.set(await reader.readRows(name, 0, rows));
}

/** The linear layers that have tensors: the same ones in every layer of the model. */
function targetsOf(folder: string, r: number, tensors: AdapterFolder['tensors']): LoraTarget[] {
  const pattern =
    /^base_model\.model\.model\.layers\.(\d+)\.(?:self_attn|mlp)\.([a-z]+)_proj\.lora_([AB])\.weight$/;
  const found = new Map<LoraTarget, Map<string, Set<string>>>();
  const layers = new Set<string>();
  for (const [name, { shape, type }] of tensors) {
    const [, layer, module, side] = pattern.exec(name) ?? [];
    const target = loraTargets.find((it) => it === module);
    if (layer === undefined || target === undefined || side === undefined) {
      throw unsupported(folder, 'tensor', name, `lora_A and lora_B of ${loraTargets.join(', ')}`);
    }
    if (shape.length !== 2 || shape[side === 'A' ? 0 : 1] !== r) {
      throw invalid(
        folder,
        `tensor "${name}" has the shape [${shape.join(', ')}], which is not of rank ${r}`,
      );
    }
    if (!floatTypes.includes(type))
      throw unsupported(folder, 'tensor', `${name}: ${type}`, floatTypes.join(', '));
    layers.add(layer);
    const sides = found.get(target) ?? new Map<string, Set<string>>();
    sides.set(layer, (sides.get(layer) ?? new Set()).add(side));
    found.set(target, sides);
  }
  for (const [target, sides] of found) {
    for (const layer of layers) {
      if (sides.get(layer)?.size !== 2) {
        throw invalid(
          folder,
          `it has not both tensors of ${target}_proj in layer ${layer}, as in other layers`,
        );
      }
    }
  }
  if (found.size === 0) throw invalid(folder, `${weightsFile} has no tensors`);
  return loraTargets.filter((target) => found.has(target));
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (it) => it.isFile(),
    () => false,
  );
}

/** Null, false, nothing in it, or PEFT's word for none. */
function isAbsent(value: unknown): boolean {
  if (value === null || value === false || value === '' || value === 'none') return true;
  return typeof value === 'object' && Object.keys(value as object).length === 0;
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

async function readConfig(folder: string): Promise<Record<string, unknown>> {
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) {
    throw new HaetaeError('FILE_NOT_FOUND', `There is no adapter folder ${folder}.`, { path: folder });
  }
  const path = join(folder, configFile);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw invalid(
      folder,
      isMissing ? `it has no ${configFile}` : `${configFile} is not JSON (${messageOf(error)})`,
    );
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw invalid(folder, `${configFile} is not an object`);
  }
  return json as Record<string, unknown>;
}

function unsupported(folder: string, field: string, value: unknown, supported: string): HaetaeError {
  const where = field === 'tensor' ? weightsFile : configFile;
  return new HaetaeError(
    'MODEL_UNSUPPORTED',
    `${where} of the adapter ${basename(folder)} says ${field}: ${JSON.stringify(value)}; supported: ${supported}.` +
      ' Merge it with PEFT, or train one without.',
    { path: folder, field, value },
  );
}

function invalid(folder: string, reason: string): HaetaeError {
  return new HaetaeError('MODEL_INVALID', `The adapter ${folder} cannot be used: ${reason}. Copy it again.`, {
    path: folder,
  });
}
