/** Runs a block in one of its forms: its output, and its gradients for a fixed gradient of the output. */
import type { TensorValue } from '../../../shared/onnx/session.js';
import { elementCount } from '../../../shared/onnx/tensor-type.js';
import { seededRandom } from '../../../shared/random.js';
import { mul, sumAll } from '../../../training/autodiff/expressions.js';
import { checkGradients } from '../../../training/autodiff/gradient-check.js';
import { Tape, type TapeOptions } from '../../../training/autodiff/tape.js';
import {
  bestTrainingKernels,
  buildTrainingGraph,
  openTrainingGraph,
} from '../../../training/autodiff/training-graph.js';
import type { Variable } from '../../../training/autodiff/variable.js';

/** Forms to test on this machine. */
export const kernelForms = [...new Set(['runtime', bestTrainingKernels().kernels] as const)];

export interface Block {
  /** float32 inputs, with gradients, and their shapes. */
  parameters: Readonly<Record<string, readonly number[]>>;
  /** Inputs of other kinds, without. */
  feeds?: Readonly<Record<string, TensorValue>>;
  build: (tape: Tape, inputs: Readonly<Record<string, Variable>>) => Variable;
}

export interface Form {
  output: Float32Array;
  gradients: Record<string, Float32Array>;
}

/** Uniform in ± amplitude. */
export function randomValues(shape: readonly number[], seed: number, amplitude = 1): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: elementCount(shape) }, () => amplitude * (2 * random() - 1));
}

function valuesOf({ parameters }: Block): Map<string, Float32Array> {
  return new Map(Object.entries(parameters).map(([name, shape], i) => [name, randomValues(shape, i + 1)]));
}

function declare(tape: Tape, { parameters, feeds = {}, build }: Block) {
  const inputs: Record<string, Variable> = {};
  for (const [name, shape] of Object.entries(parameters)) inputs[name] = tape.parameter(name, shape);
  for (const [name, { shape, type }] of Object.entries(feeds)) {
    inputs[name] = tape.input(name, shape, type as Variable['type']);
  }
  const output = build(tape, inputs);
  // Any fixed gradient of the output: the loss is its inner product with these.
  const direction = tape.constant(output.shape, randomValues(output.shape, 99));
  const loss = sumAll(tape, mul(tape, output, direction));
  return { loss, output, parameters: Object.keys(parameters).map((name) => inputs[name]!) };
}

export async function runForm(block: Block, options: TapeOptions): Promise<Form> {
  const tape = new Tape('block', options);
  const { loss, output, parameters } = declare(tape, block);
  const session = await openTrainingGraph(
    buildTrainingGraph(tape, { loss, metrics: { output }, parameters }),
    {
      threads: 1,
    },
  );
  try {
    const values = valuesOf(block);
    const feeds: Record<string, TensorValue> = { ...block.feeds };
    for (const { name, shape } of parameters)
      feeds[name] = { type: 'float32', shape, data: values.get(name)! };
    const gradients = Object.fromEntries(
      parameters.map(({ name, shape }) => [name, new Float32Array(elementCount(shape))]),
    );
    const { metrics } = await session.run(feeds, new Map(Object.entries(gradients)));
    return { output: (metrics.output!.data as Float32Array).slice(), gradients };
  } finally {
    await session.close();
  }
}

/** Worst relative error of the gradients against finite differences. */
export async function gradientError(block: Block, options: TapeOptions): Promise<number> {
  const { worst } = await checkGradients((tape) => declare(tape, block), {
    ...options,
    values: valuesOf(block),
    ...(block.feeds ? { feeds: block.feeds } : {}),
  });
  return worst;
}

/** |a − b| / |b|, of output and all gradients, at worst. */
export function formDifference(a: Form, b: Form): number {
  const pairs = Object.keys(b.gradients).map((name) => [a.gradients[name]!, b.gradients[name]!] as const);
  return Math.max(...[[a.output, b.output] as const, ...pairs].map(([x, y]) => relativeDistance(x, y)));
}

function relativeDistance(a: Float32Array, b: Float32Array): number {
  let [error, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    error += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return a.length === b.length ? Math.sqrt(error / size) : Number.POSITIVE_INFINITY;
}
