/**
 * Trains the decoders of `test/reference/training/tiny_llama.py` with this project's engine: the same weights, batches
 * and optimizer, as the numbers beside that script say them.
 */
import { readFileSync } from 'node:fs';
import { parseDecoderConfig } from '../../../shared/lm/decoder-config.js';
import { Checkpoint } from '../../../shared/lm/checkpoint.js';
import type { TensorValue } from '../../../shared/onnx/session.js';
import { Tape, type TrainingKernels } from '../../../training/autodiff/tape.js';
import { buildTrainingGraph, openTrainingGraph } from '../../../training/autodiff/training-graph.js';
import { linearCrossEntropy } from '../../../training/blocks/linear-cross-entropy.js';
import { decoderHidden } from '../../../training/model/decoder.js';
import {
  type DecoderParameter,
  decoderParameters,
  headParameter,
} from '../../../training/model/decoder-parameters.js';
import { loadParameters } from '../../../training/model/load-parameters.js';
import { loraConfig, loraParameters } from '../../../training/model/lora.js';
import { partValues } from '../../../training/model/parameter-values.js';
import { AdamW } from '../../../training/optimizer/adamw.js';
import { ParameterMemory } from '../../../training/optimizer/parameter-memory.js';
import { tinyWeights, writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';

interface ReferenceBatch {
  /** Each [rows · length]. */
  inputIds: number[];
  labels: number[];
  mask: number[];
  visibleFrom: number[];
}

export interface Reference {
  about: string;
  config: Record<string, unknown> & { model_type: 'llama' | 'qwen2' | 'qwen3' };
  lora?: { r: number; alpha: number; targets: string[] };
  rows: number;
  length: number;
  optimizer: {
    beta1: number;
    beta2: number;
    epsilon: number;
    weightDecay: number;
    maxGradNorm: number;
  };
  schedule: {
    kind: 'cosine';
    peak: number;
    warmupSteps: number;
    totalSteps: number;
    finalFraction: number;
  };
  batches: ReferenceBatch[];
  /** Of each step, before it. */
  losses: number[];
  /** Before clipping. */
  gradNorms: number[];
  learningRates: number[];
  /** Of the first step, by Hugging Face name, float32 in base64. */
  gradients: Record<string, string>;
  /** Of the weights after the last step. */
  finalNorms: Record<string, number>;
  finalLoss: number;
}

export interface ReferenceRun extends Pick<Reference, 'losses' | 'gradNorms' | 'finalNorms' | 'finalLoss'> {
  gradients: Record<string, Float32Array>;
  clipped: boolean[];
}

export function readReference(name: string): Reference {
  const path = new URL(`../../reference/training/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as Reference;
}

/** @param folder empty, for the checkpoint that training begins from */
export async function runReference(
  reference: Reference,
  kernels: TrainingKernels,
  folder: string,
): Promise<ReferenceRun> {
  const { rows, length, batches, learningRates } = reference;
  const shape = { rows, length };
  const { model_type: family } = reference.config;
  const config = parseDecoderConfig(reference.config, null, folder);
  const decoder = decoderParameters(config);
  const lora = reference.lora
    ? loraConfig({ ...reference.lora, targets: reference.lora.targets.map(shortTarget) })
    : null;
  const trained = lora ? loraParameters(config, lora) : decoder;

  // Shared memory, which runs of larger models have: reading a checkpoint and sessions have to take its views too.
  const threads = kernels === 'haetae' ? 2 : 1;
  const memory = ParameterMemory.allocate(trained, { accumulate: false, threads });
  const values = new Map(memory.parameters);
  if (lora) for (const { name, shape: size } of decoder) values.set(name, new Float32Array(product(size)));
  const checkpoint = await writeTinyCheckpoint(folder, { family, config: reference.config });
  await loadParameters(await Checkpoint.open(checkpoint), decoder, values);
  if (lora) fillByFormula(trained, values);

  const tape = new Tape('reference', { kernels });
  const ids = tape.input('input_ids', [rows * length], 'int64');
  const labels = tape.input('labels', [rows * length], 'int64');
  const weights = tape.input('weights', [rows * length, 1]);
  const visibleFrom = tape.input('visible_from', [rows, length], 'int32');
  const variables = new Map(
    [...decoder, ...(lora ? trained : [])].map(({ name, shape: size }) => [
      name,
      lora && !trained.some((it) => it.name === name) ? tape.input(name, size) : tape.parameter(name, size),
    ]),
  );
  const weight = (name: string) => variables.get(name)!;
  const adapters = lora ? { config: lora, weights: weight } : undefined;
  const hidden = decoderHidden(tape, config, shape, weight, ids, visibleFrom, adapters);
  const loss = linearCrossEntropy(tape, hidden, weight(headParameter(config)), labels, weights, {
    chunk: 24,
  });
  const parameters = trained.map(({ name }) => weight(name));
  const session = await openTrainingGraph(buildTrainingGraph(tape, { loss, parameters }), { threads: 1 });
  const fed: Record<string, TensorValue> = Object.fromEntries(
    [...variables].map(([name, { shape: size }]) => [
      name,
      { type: 'float32', shape: size, data: values.get(name)! },
    ]),
  );
  const lossOf = async (batch: ReferenceBatch) =>
    (await session.run({ ...fed, ...feedsOf(batch, shape) }, memory.gradients)).loss;

  const optimizer = new AdamW(memory, reference.optimizer);
  const run: ReferenceRun = {
    losses: [],
    gradNorms: [],
    clipped: [],
    gradients: {},
    finalNorms: {},
    finalLoss: Number.NaN,
  };
  try {
    for (const [step, learningRate] of learningRates.entries()) {
      run.losses.push(await lossOf(batches[step % batches.length]!));
      if (step === 0) run.gradients = byTensor(trained, memory.gradients, (gradient) => gradient.slice());
      const { gradNorm, clipped } = optimizer.step(learningRate);
      run.gradNorms.push(gradNorm);
      run.clipped.push(clipped);
    }
    run.finalNorms = byTensor(trained, memory.parameters, (tensor) => Math.hypot(...tensor));
    run.finalLoss = await lossOf(batches[0]!);
  } finally {
    await optimizer.close();
    await session.close();
  }
  return run;
}

function feedsOf(
  batch: ReferenceBatch,
  { rows, length }: { rows: number; length: number },
): Record<string, TensorValue> {
  const tokens = rows * length;
  const trained = batch.mask.reduce((sum, one) => sum + one, 0);
  return {
    input_ids: { type: 'int64', shape: [tokens], data: BigInt64Array.from(batch.inputIds, BigInt) },
    labels: { type: 'int64', shape: [tokens], data: BigInt64Array.from(batch.labels, BigInt) },
    weights: {
      type: 'float32',
      shape: [tokens, 1],
      data: Float32Array.from(batch.mask, (one) => one / trained),
    },
    visible_from: { type: 'int32', shape: [rows, length], data: Int32Array.from(batch.visibleFrom) },
  };
}

/** Something of each Hugging Face tensor of the parameters, under its name in the reference. */
function byTensor<T>(
  parameters: readonly DecoderParameter[],
  values: ReadonlyMap<string, Float32Array>,
  of: (tensor: Float32Array) => T,
): Record<string, T> {
  const parts = parameters.flatMap((parameter) => partValues(parameter, values));
  return Object.fromEntries(parts.map(({ name, values: tensor }) => [referenceName(name), of(tensor)]));
}

function fillByFormula(
  parameters: readonly DecoderParameter[],
  values: ReadonlyMap<string, Float32Array>,
): void {
  for (const { name, shape, values: target } of parameters.flatMap((it) => partValues(it, values))) {
    target.set(tinyWeights(referenceName(name), shape));
  }
}

/** PEFT's names of adapters begin with the wrappers it puts around a model. */
function referenceName(name: string): string {
  return name.replace(/^base_model\.model\./u, '');
}

function shortTarget(module: string): string {
  return module.replace(/_proj$/u, '');
}

function product(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}
