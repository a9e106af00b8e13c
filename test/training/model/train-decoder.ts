/** A decoder's training graph put together for tests: weights as parameters or inputs, and whole logits. */
import type { DecoderConfig } from '../../../shared/lm/model-config.js';
import type { TensorValue } from '../../../shared/onnx/session.js';
import { elementCount } from '../../../shared/onnx/tensor-type.js';
import { gemm, sumAll } from '../../../training/autodiff/expressions.js';
import { Tape, type TapeOptions } from '../../../training/autodiff/tape.js';
import { buildTrainingGraph, openTrainingGraph } from '../../../training/autodiff/training-graph.js';
import type { Variable } from '../../../training/autodiff/variable.js';
import { type BatchShape, decoderHidden } from '../../../training/model/decoder.js';
import {
  type DecoderParameter,
  decoderParameters,
  headParameter,
} from '../../../training/model/decoder-parameters.js';
import { type LoraConfig, loraParameters } from '../../../training/model/lora.js';

export type Values = ReadonlyMap<string, Float32Array>;

/** Arrays for parameters, all zero. */
export function emptyValues(parameters: readonly DecoderParameter[]): Map<string, Float32Array> {
  return new Map(parameters.map(({ name, shape }) => [name, new Float32Array(elementCount(shape))]));
}

export function tensorsOf(
  parameters: readonly DecoderParameter[],
  values: Values,
): Record<string, TensorValue> {
  return Object.fromEntries(
    parameters.map(({ name, shape }) => [name, { type: 'float32', shape, data: values.get(name)! }]),
  );
}

export function batchFeeds(
  { rows, length }: BatchShape,
  ids: readonly number[],
  visibleFrom: readonly number[] = new Array<number>(rows * length).fill(0),
): Record<string, TensorValue> {
  return {
    input_ids: { type: 'int64', shape: [rows * length], data: BigInt64Array.from(ids, BigInt) },
    visible_from: { type: 'int32', shape: [rows, length], data: Int32Array.from(visibleFrom) },
  };
}

/** Declares batch and weights on a tape; `trained` become parameters, the others inputs. */
export function decoderOnTape(
  tape: Tape,
  config: DecoderConfig,
  batch: BatchShape,
  { lora, trained }: { lora?: LoraConfig; trained: 'weights' | 'adapters' | 'none' },
): { hidden: Variable; head: Variable; parameters: Variable[] } {
  const { rows, length } = batch;
  const ids = tape.input('input_ids', [rows * length], 'int64');
  const visibleFrom = tape.input('visible_from', [rows, length], 'int32');
  const declared = new Map<string, Variable>();
  const declare = (parameters: readonly DecoderParameter[], isTrained: boolean) => {
    for (const { name, shape } of parameters) {
      declared.set(name, isTrained ? tape.parameter(name, shape) : tape.input(name, shape));
    }
  };
  declare(decoderParameters(config), trained === 'weights');
  if (lora) declare(loraParameters(config, lora), trained === 'adapters');
  const weights = (name: string) => {
    const found = declared.get(name);
    if (!found) throw new Error(`no variable ${name}`);
    return found;
  };
  const adapters = lora ? { config: lora, weights } : undefined;
  const hidden = decoderHidden(tape, config, batch, weights, ids, visibleFrom, adapters);
  const parameters = [...declared.values()].filter(({ requiresGrad }) => requiresGrad);
  return { hidden, head: weights(headParameter(config)), parameters };
}

/** Logits `[rows · length, vocabSize]` of the training graph. */
export async function trainingLogits(
  config: DecoderConfig,
  batch: BatchShape,
  feeds: Readonly<Record<string, TensorValue>>,
  options: TapeOptions & { lora?: LoraConfig; threads?: number } = {},
): Promise<Float32Array> {
  const { lora, threads = 1, ...tapeOptions } = options;
  const tape = new Tape('logits', tapeOptions);
  const { hidden, head } = decoderOnTape(tape, config, batch, { trained: 'none', ...(lora ? { lora } : {}) });
  const logits = gemm(tape, hidden, head, { transB: true });
  const graph = buildTrainingGraph(tape, { loss: sumAll(tape, logits), metrics: { logits }, parameters: [] });
  const session = await openTrainingGraph(graph, { threads });
  try {
    const { metrics } = await session.run(feeds, new Map());
    return (metrics.logits!.data as Float32Array).slice();
  } finally {
    await session.close();
  }
}

/** Largest absolute difference. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= worst)) worst = difference;
  }
  return worst;
}

/** Whether every bit is the same (tap's comparison of long arrays takes seconds). */
export function isSameBits(a: Float32Array, b: Float32Array): boolean {
  const bytes = (x: Float32Array) => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
  return bytes(a).equals(bytes(b));
}
