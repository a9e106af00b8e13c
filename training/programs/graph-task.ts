/**
 * Trains a graph: batches in, loss and gradients out, AdamW in place. The one `TrainingTask` of all programs; what
 * they train, and on what, is behind `GraphPlan` and `BatchStream`.
 *
 * A loss is a weighted sum, with weights that sum to 1 over all micro-batches of a step: so losses and gradients of
 * micro-batches are added, not averaged.
 */
import { setImmediate } from 'node:timers/promises';
import type { NamedTensor } from '../../shared/onnx/safetensors.js';
import type { TensorValue } from '../../shared/onnx/session.js';
import { type MatmulPrecision, Tape, type TrainingKernels } from '../autodiff/tape.js';
import {
  buildTrainingGraph,
  openTrainingGraph,
  type TrainingGraph,
  type TrainingSession,
} from '../autodiff/training-graph.js';
import type { Variable } from '../autodiff/variable.js';
import { AdamW, type AdamWOptions } from '../optimizer/adamw.js';
import { type LearningRateSchedule, learningRateAt } from '../optimizer/learning-rate.js';
import type { ParameterMemory, ParameterSpec } from '../optimizer/parameter-memory.js';
import type { StepReport, TaskState, TrainingTask, ValidationReport } from '../run/training-task.js';

export type Feeds = Readonly<Record<string, TensorValue>>;

export interface MicroBatch {
  /** Inputs of the graph but the parameters. Made when they are needed: a teacher's logits are large. */
  feeds(): Feeds | Promise<Feeds>;
  /** Tokens read, padding aside. */
  tokens: number;
  documents: readonly string[];
}

export interface BatchStream {
  /** Micro-batches of a step, counted from 1, and passes over the data with them. */
  next(step: number): Promise<{ batches: readonly MicroBatch[]; epoch: number }>;
  /** After the run on a micro-batch: what is learnt from its metrics. Returned figures are logged, as means. */
  observe?(index: number, metrics: Readonly<Record<string, TensorValue>>): Readonly<Record<string, number>>;
  /** After the last micro-batch. Returned figures are logged. */
  endStep?(): Readonly<Record<string, number>>;
  /** All that the next step depends on. */
  state(): TaskState;
  restore(state: TaskState): void;
}

/** What is measured: the losses of the batches sum to their mean over `tokens`. */
export interface ValidationSet {
  batches: readonly MicroBatch[];
  tokens: number;
}

export interface GraphPlan {
  name: string;
  trained: readonly ParameterSpec[];
  /** Weights without a gradient. */
  frozen: readonly Omit<ParameterSpec, 'decay'>[];
  /** Adds inputs and the loss to a tape; `weights` has every trained and frozen tensor. */
  build(
    tape: Tape,
    weights: (name: string) => Variable,
    purpose: 'training' | 'validation',
  ): { loss: Variable; metrics?: Readonly<Record<string, Variable>> };
}

export interface BuiltGraphs {
  train: TrainingGraph;
  /** The loss alone. */
  validation: TrainingGraph;
}

/** Both graphs of a plan. */
export function buildGraphs(
  plan: GraphPlan,
  kernels: TrainingKernels,
  matmulPrecision: MatmulPrecision,
): BuiltGraphs {
  const graph = (isTrained: boolean): TrainingGraph => {
    const tape = new Tape(plan.name, { kernels, matmulPrecision });
    const parameters = plan.trained.map(({ name, shape }) =>
      isTrained ? tape.parameter(name, shape) : tape.input(name, shape),
    );
    const frozen = plan.frozen.map(({ name, shape }) => tape.input(name, shape));
    const known = new Map([...parameters, ...frozen].map((variable) => [variable.name, variable]));
    const { loss, metrics } = plan.build(
      tape,
      (name) => {
        const variable = known.get(name);
        if (!variable) throw new Error(`${plan.name} has no weight ${name}`);
        return variable;
      },
      isTrained ? 'training' : 'validation',
    );
    if (!isTrained) return buildTrainingGraph(tape, { loss, parameters: [] });
    return buildTrainingGraph(tape, { loss, parameters, ...(metrics ? { metrics } : {}) });
  };
  return { train: graph(true), validation: graph(false) };
}

export interface GraphTaskOptions {
  plan: GraphPlan;
  graphs: BuiltGraphs;
  threads: number;
  memory: ParameterMemory;
  /** Values of the frozen weights, by name. */
  frozen: ReadonlyMap<string, Float32Array>;
  optimizer: AdamWOptions;
  schedule: LearningRateSchedule;
  stream: BatchStream;
  validation: ValidationSet | null;
}

export class GraphTask implements TrainingTask {
  readonly totalSteps: number;
  readonly #options: GraphTaskOptions;
  readonly #session: TrainingSession;
  readonly #validation: TrainingSession | null;
  readonly #optimizer: AdamW;
  readonly #weights: Feeds;

  private constructor(
    options: GraphTaskOptions,
    session: TrainingSession,
    validation: TrainingSession | null,
  ) {
    this.#options = options;
    this.#session = session;
    this.#validation = validation;
    this.#optimizer = new AdamW(options.memory, options.optimizer);
    this.totalSteps = options.schedule.totalSteps;
    const { plan, memory, frozen } = options;
    this.#weights = Object.fromEntries(
      [...plan.trained, ...plan.frozen].map(({ name, shape }) => {
        const data = memory.parameters.get(name) ?? frozen.get(name)!;
        return [name, { type: 'float32', shape, data }];
      }),
    );
  }

  /** Opens the sessions. @throws HaetaeError MODEL_INVALID where ONNX Runtime refuses a graph */
  static async open(options: GraphTaskOptions): Promise<GraphTask> {
    const { graphs, threads, validation } = options;
    const session = await openTrainingGraph(graphs.train, { threads });
    const measuring = validation ? await openTrainingGraph(graphs.validation, { threads }) : null;
    return new GraphTask(options, session, measuring);
  }

  async step(step: number): Promise<StepReport> {
    const { stream, memory, schedule } = this.#options;
    const { batches, epoch } = await stream.next(step);
    const learningRate = learningRateAt(schedule, step - 1);
    const sums: Record<string, number> = {};
    let loss = 0;
    for (const [index, batch] of batches.entries()) {
      if (index > 0) await setImmediate(); // a second Ctrl-C is heard here
      const result = await this.#session.run(
        { ...(await batch.feeds()), ...this.#weights },
        memory.gradients,
      );
      loss += result.loss;
      for (const [name, value] of Object.entries(stream.observe?.(index, result.metrics) ?? {})) {
        sums[name] = (sums[name] ?? 0) + value / batches.length;
      }
      if (memory.regions.accumulator) this.#optimizer.accumulate();
    }
    const report = {
      ...{ loss, learningRate, epoch },
      tokens: batches.reduce((sum, { tokens }) => sum + tokens, 0),
      documents: [...new Set(batches.flatMap(({ documents }) => documents))],
    };
    if (!Number.isFinite(loss)) return { ...report, gradNorm: Number.NaN };
    const { gradNorm, updated, nonFinite } = this.#optimizer.step(learningRate);
    if (!updated) return { ...report, gradNorm: Number.isFinite(gradNorm) ? Infinity : gradNorm, nonFinite };
    return { ...report, gradNorm, extra: { ...sums, ...stream.endStep?.() } };
  }

  async evaluate(): Promise<ValidationReport | null> {
    const { validation } = this.#options;
    if (!validation || !this.#validation) return null;
    let loss = 0;
    for (const batch of validation.batches) {
      await setImmediate();
      loss += (await this.#validation.run({ ...(await batch.feeds()), ...this.#weights }, new Map())).loss;
    }
    return { loss, tokens: validation.tokens };
  }

  tensors(): readonly NamedTensor[] {
    const { memory } = this.#options;
    const parts = [
      ['', memory.parameters],
      ['optimizer.first_moment.', memory.firstMoments],
      ['optimizer.second_moment.', memory.secondMoments],
    ] as const;
    return parts.flatMap(([prefix, views]) =>
      memory.specs.map(({ name, shape }) => ({
        ...{ name: prefix + name, type: 'float32' as const, shape },
        data: views.get(name)!,
      })),
    );
  }

  state(): TaskState {
    return { optimizerSteps: this.#optimizer.stepCount, stream: this.#options.stream.state() };
  }

  async restore(state: TaskState, read: (tensor: NamedTensor) => Promise<void>): Promise<void> {
    for (const tensor of this.tensors()) await read(tensor);
    this.#optimizer.stepCount = state.optimizerSteps as number;
    this.#options.stream.restore(state.stream as TaskState);
  }

  /** One run on the next batch to warm up, one that is timed. The stream moves on: for plans only. */
  async timeStep(): Promise<{ seconds: number; tokens: number }> {
    const { stream, memory } = this.#options;
    const { batches } = await stream.next(1);
    let seconds = 0;
    for (let turn = 0; turn < 2; turn++) {
      const started = performance.now();
      await this.#session.run({ ...(await batches[0]!.feeds()), ...this.#weights }, memory.gradients);
      seconds = ((performance.now() - started) / 1000) * batches.length;
    }
    return { seconds, tokens: batches.reduce((sum, { tokens }) => sum + tokens, 0) };
  }

  async close(): Promise<void> {
    await this.#optimizer.close();
    await this.#session.close();
    await this.#validation?.close();
  }
}
