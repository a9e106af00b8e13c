/** What the programs that train a language model share: from a decoder, data and a loss to a `Preparation`. */
import { elementCount } from '../../shared/onnx/tensor-type.js';
import type { PackingStatistics } from '../data/packed-batches.js';
import type { LearningRateSchedule } from '../optimizer/learning-rate.js';
import { optimizerThreads } from '../optimizer/kernel-threads.js';
import { ParameterMemory, type ParameterSpec } from '../optimizer/parameter-memory.js';
import type { MemoryPart } from '../run/memory-estimate.js';
import type { CommonRun } from '../run/run-file-schema.js';
import type { FactTable } from '../run/report-page.js';
import {
  type BatchStream,
  type BuiltGraphs,
  buildGraphs,
  type GraphPlan,
  GraphTask,
  type ValidationSet,
} from './graph-task.js';
import type { Preparation, ProgramContext, ProgramTask } from './run-program.js';
import type { TrainableDecoder } from './trainable-decoder.js';

/** Optimizer steps of a run. @param batchesPerEpoch micro-batches of one pass, may be a fraction */
export function stepsOf({ steps, epochs, accumulate }: CommonRun, batchesPerEpoch: number): number {
  return steps ?? Math.max(1, Math.ceil((epochs! * batchesPerEpoch) / accumulate));
}

/** The schedule of a run's learning rate. */
export function scheduleOf({ optimizer }: CommonRun, totalSteps: number): LearningRateSchedule {
  const { learningRate, schedule, warmupFraction, finalFraction } = optimizer;
  return {
    ...{ kind: schedule, peak: learningRate, totalSteps, finalFraction },
    warmupSteps: Math.round(warmupFraction * totalSteps),
  };
}

export interface GraphTraining {
  run: CommonRun;
  context: ProgramContext;
  plan: GraphPlan;
  totalSteps: number;
  /** Made when the sessions are opened. */
  stream: BatchStream;
  validation: ValidationSet | null;
  /** Fills the weights a run begins with, and returns the frozen ones. */
  begin(trained: ReadonlyMap<string, Float32Array>): Promise<ReadonlyMap<string, Float32Array>>;
  /** Beside what is known here, e.g. a teacher. */
  memory?: readonly MemoryPart[];
  /** Before the task is closed. */
  close?: () => Promise<void>;
}

/** What there is to open and to save. */
export interface TrainedGraph {
  memory: readonly MemoryPart[];
  open(): Promise<ProgramTask>;
  /** The trained weights, once opened. */
  weights(): ReadonlyMap<string, Float32Array>;
}

/**
 * What ONNX Runtime's arena takes beyond the values in it, as a share of them. Measured over steps and a validation of
 * 1 to 20 million parameters at 1 to 8 rows of 256 to 2,048 tokens, beside what the other parts predict: 0.6 to 0.9
 * with its operators, whose blocks are many and large, and up to 0.1 with ours.
 */
const arenaSlack = { runtime: 0.8, haetae: 0.1 } as const;

/** Builds the graphs, which tells the memory they need, and opens them when asked to. */
export function trainedGraph(training: GraphTraining): TrainedGraph {
  const { run, context, plan, validation } = training;
  const accumulate = run.accumulate > 1;
  const graphs: BuiltGraphs = buildGraphs(plan, context.kernels, context.matmulPrecision);
  const activations = graphs.train.peakBytes;
  const measuring = validation ? graphs.validation.peakBytes : 0;
  let opened: ParameterMemory | undefined;
  return {
    memory: [
      {
        name: 'trained weights, gradients and moments',
        bytes: ParameterMemory.bytes(plan.trained, { accumulate }),
      },
      {
        name: 'frozen weights',
        bytes: plan.frozen.reduce((sum, { shape }) => sum + 4 * elementCount(shape), 0),
      },
      { name: 'activations', bytes: activations },
      { name: 'activations of validation', bytes: measuring },
      {
        name: "the arena's slack",
        bytes: Math.ceil(arenaSlack[context.kernels] * (activations + measuring)),
      },
      ...(training.memory ?? []),
    ],
    async open() {
      const threads = optimizerThreads(plan.trained, context);
      const memory = ParameterMemory.allocate(plan.trained, { accumulate, threads });
      const frozen = await training.begin(memory.parameters);
      opened = memory;
      const { beta1, beta2, epsilon, weightDecay, maxGradNorm } = run.optimizer;
      const task = await GraphTask.open({
        ...{ plan, graphs, threads: context.threads, memory, frozen, validation },
        optimizer: { beta1, beta2, epsilon, weightDecay, maxGradNorm },
        ...{ schedule: scheduleOf(run, training.totalSteps), stream: training.stream },
      });
      if (training.close) {
        const closeTask = task.close.bind(task);
        task.close = async () => {
          await closeTask();
          await training.close!();
        };
      }
      return task;
    },
    weights: () => opened!.parameters,
  };
}

/** Numbers of a model, for the plan and the report. */
export function modelTable(
  { config, lora, trained, frozen }: TrainableDecoder,
  from: string | null,
): FactTable {
  const count = (parameters: readonly Pick<ParameterSpec, 'shape'>[]) =>
    parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0).toLocaleString('en-US');
  const { family, nLayer, hiddenSize, intermediateSize, nHead, nKvHead, vocabSize } = config;
  return [
    ['Begins with', from ?? 'fresh weights'],
    [
      'Architecture',
      `${family}, ${nLayer} layers of ${hiddenSize} / ${intermediateSize}, ${nHead} heads (${nKvHead} of keys and values), vocabulary ${vocabSize}`,
    ],
    ['Trained parameters', count(trained)],
    ...(frozen.length > 0 ? [['Frozen parameters', count(frozen)] as const] : []),
    ...(lora
      ? [['LoRA', `rank ${lora.r}, alpha ${lora.alpha}, on ${lora.targets.join(', ')}`] as const]
      : []),
  ];
}

export interface BatchFacts {
  rows: number;
  length: number;
  accumulate: number;
  totalSteps: number;
  batchesPerEpoch: number;
  /** Positions that reach the head, of a batch; null: all. */
  slots: number | null;
}

type BatchStatistics = Pick<
  PackingStatistics,
  | 'documents'
  | 'examples'
  | 'tokens'
  | 'trainedTokens'
  | 'dropped'
  | 'truncated'
  | 'fillRate'
  | 'withTeacherPrompt'
  | 'teacherTruncated'
> & { identical?: number };

/** Numbers of the data. */
export function dataTable(
  training: BatchStatistics,
  validation: BatchStatistics | null,
  { rows, length, accumulate, totalSteps, batchesPerEpoch, slots }: BatchFacts,
): FactTable {
  const whole = (value: number) => value.toLocaleString('en-US');
  const sides = (name: string, { documents, examples, tokens, trainedTokens }: BatchStatistics) =>
    [
      name,
      `${whole(documents)} documents, ${whole(examples)} examples, ${whole(tokens)} tokens, ${whole(trainedTokens)} of them learnt`,
    ] as const;
  const { dropped, truncated, fillRate, identical = 0, withTeacherPrompt, teacherTruncated } = training;
  return [
    sides('Training', training),
    validation ? sides('Validation', validation) : ['Validation', 'none'],
    [
      'Batch',
      `${rows} rows of ${length} tokens${accumulate > 1 ? `, ${accumulate} to a step` : ''}; ${(100 * fillRate).toFixed(1)} % of positions hold a token`,
    ],
    ...(slots === null ? [] : [['Head and loss', `at ${whole(slots)} positions of a batch`] as const]),
    ...(identical > 0
      ? [['Equal responses', `${whole(identical)} pairs, each read once for both`] as const]
      : []),
    ...(withTeacherPrompt > 0
      ? [
          [
            "The teacher's own prompts",
            `${whole(withTeacherPrompt)}, ${whole(teacherTruncated)} cut`,
          ] as const,
        ]
      : []),
    ...(dropped + truncated > 0
      ? [['Too long or empty', `${whole(truncated)} cut, ${whole(dropped)} left out`] as const]
      : []),
    [
      'Steps',
      `${whole(totalSteps)}, ${((totalSteps * accumulate) / batchesPerEpoch).toFixed(2)} passes over the data`,
    ],
  ];
}

/** The rest of a preparation that ends with a model folder or an adapter. */
export function decoderResult(
  decoder: TrainableDecoder,
  graph: TrainedGraph,
  tokenizerFrom: string,
  from: string | null,
): Pick<Preparation, 'result' | 'save' | 'next'> {
  return {
    result: decoder.lora ? 'adapter' : 'model',
    save: (folder) => decoder.save(folder, graph.weights(), tokenizerFrom),
    next: (folder) =>
      decoder.lora
        ? [`haetae merge --base ${from} --adapter ${folder} --out MERGED_FOLDER`]
        : [`haetae lm generate --model ${folder} --prompt TEXT`, `haetae quantize ${folder} -o INT4_FOLDER`],
  };
}
