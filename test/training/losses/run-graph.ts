/** Builds, opens and runs a small training graph once. */
import type { TensorValue } from '../../../shared/onnx/session.js';
import { Tape, type TapeOptions } from '../../../training/autodiff/tape.js';
import {
  buildTrainingGraph,
  openTrainingGraph,
  type TrainingGraphOptions,
} from '../../../training/autodiff/training-graph.js';
import { nativeKernels } from '../../../shared/onnx/native-session.js';
import type { Variable } from '../../../training/autodiff/variable.js';

export interface GraphRun {
  loss: number;
  gradients: Map<string, Float32Array>;
  metrics: Record<string, TensorValue>;
  peakBytes: number;
  nodes: number;
}

/** What the tests of a block run on: `haetae` where the addon is built and the processor has what it needs. */
export const kernelSets: readonly NonNullable<TapeOptions['kernels']>[] =
  nativeKernels().kernel === null ? ['runtime'] : ['runtime', 'haetae'];

export async function runGraph(
  build: (tape: Tape) => TrainingGraphOptions,
  values: Readonly<Record<string, TensorValue>>,
  options: TapeOptions = {},
): Promise<GraphRun> {
  const tape = new Tape('test', options);
  const parts = build(tape);
  const graph = buildTrainingGraph(tape, parts);
  const session = await openTrainingGraph(graph, { threads: 1 });
  try {
    const gradients = new Map(
      parts.parameters.map(({ name, shape }) => [name, new Float32Array(size(shape))]),
    );
    const { loss, metrics } = await session.run(values, gradients);
    return { loss, gradients, metrics, peakBytes: graph.peakBytes, nodes: graph.nodes };
  } finally {
    await session.close();
  }
}

export function floats(data: ArrayLike<number>, ...shape: number[]): TensorValue & { data: Float32Array } {
  return { type: 'float32', shape, data: Float32Array.from(data) };
}

export function integers(data: ArrayLike<number>, ...shape: number[]): TensorValue {
  return { type: 'int64', shape, data: BigInt64Array.from(Array.from(data), BigInt) };
}

export function identity(n: number): TensorValue {
  return floats(
    Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
    n,
    n,
  );
}

/** Largest |a − b|; infinite where one is not a number. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  const differences = Array.from(a, (value, i) => Math.abs(value - b[i]!));
  return differences.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(0, ...differences);
}

/** Largest |a − b|, over the largest |b| (at least 0.001). */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return largestDifference(a, b) / Math.max(1e-3, ...Array.from(b, Math.abs));
}

export function size(shape: Variable['shape']): number {
  return shape.reduce((product, n) => product * n, 1);
}
