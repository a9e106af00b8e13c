/** Our side of `train`: one model with one set of kernels at one precision, a step at a time on the same batch. */
import type { TensorValue } from '../shared/onnx/session.js';
import { elementCount } from '../shared/onnx/tensor-type.js';
import { Tape, type MatmulPrecision, type TrainingKernels } from '../training/autodiff/tape.js';
import {
  buildTrainingGraph,
  openTrainingGraph,
  type TrainingGraph,
  type TrainingSession,
} from '../training/autodiff/training-graph.js';
import { linearCrossEntropy } from '../training/blocks/linear-cross-entropy.js';
import { decoderHidden } from '../training/model/decoder.js';
import {
  type DecoderParameter,
  decoderParameters,
  headParameter,
} from '../training/model/decoder-parameters.js';
import { initialiseParameters } from '../training/model/initialise-parameters.js';
import { loraParameters } from '../training/model/lora.js';
import { AdamW } from '../training/optimizer/adamw.js';
import { optimizerThreads } from '../training/optimizer/kernel-threads.js';
import { ParameterMemory } from '../training/optimizer/parameter-memory.js';
import { randomBatch, type TrainBatch, type TrainModel, tokensPerStep } from './train-models.js';

export const optimizerSettings = {
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.1,
  maxGradNorm: 1,
} as const;
export const learningRate = 1e-3;

export interface EngineSetting {
  kernels: TrainingKernels;
  precision: MatmulPrecision;
  threads: number;
}

/** What all contenders begin with. */
export interface StartingPoint {
  model: TrainModel;
  decoder: readonly DecoderParameter[];
  /** Adapters, or all of the decoder. */
  trained: readonly DecoderParameter[];
  /** Of both, by parameter. */
  values: ReadonlyMap<string, Float32Array>;
  batch: TrainBatch;
}

export interface Turn {
  stepMs: number[];
  /** The part of a step that clips and updates. */
  optimizerMs: number[];
  losses: number[];
}

export function startingPoint(model: TrainModel, seed: number): StartingPoint {
  const decoder = decoderParameters(model.config);
  const trained = model.lora ? loraParameters(model.config, model.lora) : decoder;
  const all = [...new Set([...decoder, ...trained])];
  const values = new Map(all.map(({ name, shape }) => [name, new Float32Array(elementCount(shape))]));
  initialiseParameters(all, values, seed);
  return { model, decoder, trained, values, batch: randomBatch(model, seed) };
}

function buildGraph({ model, decoder, trained }: StartingPoint, setting: EngineSetting): TrainingGraph {
  const { config, rows, length, lora } = model;
  const count = tokensPerStep(model);
  const tape = new Tape(model.name, { kernels: setting.kernels, matmulPrecision: setting.precision });
  const ids = tape.input('input_ids', [count], 'int64');
  const labels = tape.input('labels', [count], 'int64');
  const tokenWeights = tape.input('weights', [count, 1]);
  const visibleFrom = tape.input('visible_from', [rows, length], 'int32');
  const parameters = trained.map(({ name, shape }) => tape.parameter(name, shape));
  const frozen = lora ? decoder.map(({ name, shape }) => tape.input(name, shape)) : [];
  const variables = new Map([...parameters, ...frozen].map((variable) => [variable.name, variable]));
  const weights = (name: string) => variables.get(name)!;
  const adapters = lora ? { config: lora, weights } : undefined;
  const hidden = decoderHidden(tape, config, { rows, length }, weights, ids, visibleFrom, adapters);
  const loss = linearCrossEntropy(tape, hidden, weights(headParameter(config)), labels, tokenWeights);
  return buildTrainingGraph(tape, { loss, parameters });
}

export class Engine {
  readonly graph: TrainingGraph;
  /** From the first node to the opened session. */
  readonly openMs: number;
  readonly #session: TrainingSession;
  readonly #memory: ParameterMemory;
  readonly #optimizer: AdamW;
  readonly #feeds: Readonly<Record<string, TensorValue>>;

  private constructor(
    graph: TrainingGraph,
    openMs: number,
    session: TrainingSession,
    memory: ParameterMemory,
    feeds: Readonly<Record<string, TensorValue>>,
  ) {
    this.graph = graph;
    this.openMs = openMs;
    this.#session = session;
    this.#memory = memory;
    this.#optimizer = new AdamW(memory, optimizerSettings);
    this.#feeds = feeds;
  }

  /** The starting point itself stays as it is: frozen weights are shared, trained ones copied. */
  static async open(start: StartingPoint, setting: EngineSetting): Promise<Engine> {
    const began = performance.now();
    const graph = buildGraph(start, setting);
    const session = await openTrainingGraph(graph, { threads: setting.threads });
    const openMs = performance.now() - began;
    const threads = optimizerThreads(start.trained, setting);
    const memory = ParameterMemory.allocate(start.trained, { accumulate: false, threads });
    for (const [name, values] of memory.parameters) values.set(start.values.get(name)!);
    const { rows, length } = start.model;
    const count = rows * length;
    const feeds: Record<string, TensorValue> = {
      input_ids: { type: 'int64', shape: [count], data: start.batch.ids },
      labels: { type: 'int64', shape: [count], data: start.batch.labels },
      weights: { type: 'float32', shape: [count, 1], data: new Float32Array(count).fill(1 / count) },
      visible_from: { type: 'int32', shape: [rows, length], data: new Int32Array(count) },
    };
    for (const { name, shape } of [...start.decoder, ...start.trained]) {
      const data = memory.parameters.get(name) ?? start.values.get(name)!;
      feeds[name] = { type: 'float32', shape, data };
    }
    return new Engine(graph, openMs, session, memory, feeds);
  }

  async steps(count: number): Promise<Turn> {
    const turn: Turn = { stepMs: [], optimizerMs: [], losses: [] };
    for (let step = 0; step < count; step++) {
      const began = performance.now();
      const { loss } = await this.#session.run(this.#feeds, this.#memory.gradients);
      const computed = performance.now();
      this.#optimizer.step(learningRate);
      const ended = performance.now();
      turn.losses.push(loss);
      turn.optimizerMs.push(ended - computed);
      turn.stepMs.push(ended - began);
    }
    return turn;
  }

  async close(): Promise<void> {
    await this.#optimizer.close();
    await this.#session.close();
  }
}
