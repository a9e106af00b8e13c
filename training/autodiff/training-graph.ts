/**
 * A tape with its gradients as an ONNX model, and sessions that run it.
 *
 * ```
 * inputs   what the tape declares and the loss needs
 *   → loss               float32  []
 *   → metric.NAME        as the variable
 *   → gradient.PARAMETER float32  as the parameter: written straight into the caller's memory
 * ```
 */
import { GraphBuilder } from '../../shared/onnx/onnx-model.js';
import { adviseHeap, nativeKernels, openNativeSession } from '../../shared/onnx/native-session.js';
import { openSession, type TensorValue } from '../../shared/onnx/session.js';
import { elementCount } from '../../shared/onnx/tensor-type.js';
import { gradients } from './gradients.js';
import { liveNodes, peakBytes } from './liveness.js';
import { operatorTable } from './operator-table.js';
import type { Tape, TrainingKernels } from './tape.js';
import type { Variable } from './variable.js';

export interface TrainingGraph {
  /** The encoded ONNX model. */
  readonly model: Uint8Array;
  /** What has to be fed. */
  readonly inputs: readonly Pick<Variable, 'name' | 'shape' | 'type'>[];
  /** Output that holds the gradient of each parameter. */
  readonly gradients: ReadonlyMap<string, string>;
  /** Names of the metrics. */
  readonly metrics: readonly string[];
  /** Bytes of values in memory at the worst moment of a run, inputs and gradients not counted. */
  readonly peakBytes: number;
  /** Nodes of the model. */
  readonly nodes: number;
  readonly kernels: TrainingKernels;
}

export interface TrainingGraphOptions {
  /** A scalar. */
  loss: Variable;
  /** Further values to return from each run. */
  metrics?: Readonly<Record<string, Variable>>;
  /** What the loss is differentiated by; none for a graph that only evaluates. */
  parameters: readonly Variable[];
}

export interface StepResult {
  loss: number;
  metrics: Record<string, TensorValue>;
}

export interface TrainingSession {
  /**
   * Computes the loss for these inputs (others are passed over), and writes each gradient into the array given for
   * it, over what was there. It blocks the process while it runs.
   * @throws Error naming an input or gradient that is missing or of another size
   */
  run(
    feeds: Readonly<Record<string, TensorValue>>,
    gradients: ReadonlyMap<string, Float32Array>,
  ): Promise<StepResult>;
  close(): Promise<void>;
}

export interface TrainingSessionOptions {
  /** ≥ 1. With one thread, runs are equal to the bit. */
  threads: number;
}

/** The kernels to build for: those of the addon, or with the reason they are not there, ONNX Runtime's. */
export function bestTrainingKernels(): { kernels: TrainingKernels; reason?: string } {
  const found = nativeKernels();
  return found.kernel === null ? { kernels: 'runtime', reason: found.reason } : { kernels: 'haetae' };
}

/** Adds the backward part to the tape, drops what nothing needs, and encodes the rest. Errors as `gradients`. */
export function buildTrainingGraph(tape: Tape, options: TrainingGraphOptions): TrainingGraph {
  const { loss, metrics = {}, parameters } = options;
  const found = parameters.length > 0 ? gradients(tape, loss, parameters) : [];
  const outputs = new Map<string, Variable>([['loss', loss]]);
  for (const [name, variable] of Object.entries(metrics)) outputs.set(`metric.${name}`, variable);
  for (const [i, { name }] of parameters.entries()) outputs.set(`gradient.${name}`, found[i]!);
  const nodes = liveNodes(tape, [...outputs.values()]);
  const used = new Set(nodes.flatMap(({ inputs }) => inputs.map((input) => input?.name)));
  for (const { name } of outputs.values()) used.add(name);
  const inputs = tape.inputs.filter(({ name }) => used.has(name));

  const graph = new GraphBuilder(tape.name);
  for (const { name, type, shape } of inputs) graph.input(name, type, shape);
  for (const { variable, data } of tape.constants) {
    if (used.has(variable.name)) graph.initializer(variable.name, variable.type, variable.shape, data);
  }
  for (const { operator, inputs: operands, outputs: results, attributes } of nodes) {
    const { type = operator, domain = '' } = operatorTable.get(operator)!;
    graph.node(
      type,
      operands.map((operand) => operand?.name ?? ''),
      { outputs: results.map(({ name }) => name), attributes, domain },
    );
    if (domain === 'haetae') for (const { name, type: of, shape } of results) graph.describe(name, of, shape);
  }
  for (const [name, { name: from, type, shape }] of outputs) {
    graph.node('Identity', [from], { outputs: [name] });
    graph.output(name, type, shape);
  }
  return {
    model: graph.build(),
    inputs: inputs.map(({ name, shape, type }) => ({ name, shape, type })),
    gradients: new Map(parameters.map(({ name }) => [name, `gradient.${name}`])),
    metrics: Object.keys(metrics),
    peakBytes: peakBytes(nodes, [...outputs.values()]),
    nodes: nodes.length,
    kernels: tape.kernels,
  };
}

/** Opens a graph for runs. @throws HaetaeError MODEL_INVALID where ONNX Runtime refuses it */
export async function openTrainingGraph(
  graph: TrainingGraph,
  options: TrainingSessionOptions,
): Promise<TrainingSession> {
  const open = graph.kernels === 'haetae' ? openNativeSession : openSession;
  const session = await open(graph.model, {
    threads: options.threads,
    arena: true,
    spinning: true,
    memoryPattern: false,
  });
  const shapes = new Map(graph.inputs.map(({ name, shape }) => [name, shape]));
  const outputs = ['loss', ...graph.metrics.map((name) => `metric.${name}`)];
  let isFirst = true;
  return {
    async run(feeds, into) {
      const fed = Object.fromEntries(
        graph.inputs.map((input) => [input.name, checkedFeed(input, feeds[input.name])]),
      );
      const results = await session.run(fed, outputs, gradientBuffers(graph.gradients, shapes, into));
      // The arena has its size now. Steps of 7M parameters were 3 % faster without small pages.
      if (isFirst) adviseHeap();
      isFirst = false;
      return {
        loss: Number(results.loss!.data[0]),
        metrics: Object.fromEntries(graph.metrics.map((name) => [name, results[`metric.${name}`]!])),
      };
    },
    close: () => session.close(),
  };
}

function checkedFeed(input: TrainingGraph['inputs'][number], fed: TensorValue | undefined): TensorValue {
  const { name, type, shape } = input;
  if (!fed) throw new Error(`the graph needs the input ${name}: ${type} [${shape.join(', ')}]`);
  if (fed.type !== type || fed.data.length !== elementCount(shape)) {
    const got = `${fed.type} [${fed.shape.join(', ')}] of ${fed.data.length} elements`;
    throw new Error(`the input ${name} must be ${type} [${shape.join(', ')}], not ${got}`);
  }
  return { type, shape, data: fed.data };
}

function gradientBuffers(
  names: ReadonlyMap<string, string>,
  shapes: ReadonlyMap<string, readonly number[]>,
  buffers: ReadonlyMap<string, Float32Array>,
): Record<string, TensorValue> {
  const into: Record<string, TensorValue> = {};
  for (const [parameter, output] of names) {
    const shape = shapes.get(parameter) ?? [];
    const data = buffers.get(parameter);
    if (data?.length !== elementCount(shape)) {
      const got = data ? `${data.length} elements` : 'nothing';
      throw new Error(
        `the gradient of ${parameter} [${shape.join(', ')}] needs as many elements, got ${got}`,
      );
    }
    into[output] = { type: 'float32', shape, data };
  }
  return into;
}
