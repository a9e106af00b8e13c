/**
 * A frozen model beside the student: a second session computes its hidden states, and the student's graph multiplies
 * them with the teacher's head, a chunk of slots at a time. So teacher logits never exist for a whole batch, and what
 * crosses between the sessions is a hidden state for each token of an answer.
 *
 * The sequences of a batch are packed into rows of the teacher's own, as many runs of the session as they need.
 *
 * It reads checkpoints in safetensors whose weights are floats; quantised and exported models go through
 * `decoder-teacher.ts`.
 */
import { Checkpoint } from '../../shared/lm/checkpoint.js';
import { readDecoderConfig } from '../../shared/lm/decoder-config.js';
import type { DecoderConfig } from '../../shared/lm/model-config.js';
import type { TensorValue } from '../../shared/onnx/session.js';
import { elementCount } from '../../shared/onnx/tensor-type.js';
import { type MatmulPrecision, Tape, type TrainingKernels } from '../autodiff/tape.js';
import {
  buildTrainingGraph,
  openTrainingGraph,
  type TrainingGraph,
  type TrainingSession,
} from '../autodiff/training-graph.js';
import type { Variable } from '../autodiff/variable.js';
import { headLogits } from '../blocks/linear-cross-entropy.js';
import type { TeacherLogits } from '../blocks/linear-divergence.js';
import type { TeacherSequence } from '../data/answer-slots.js';
import { planRows } from '../data/row-plan.js';
import { type BatchShape, decoderHidden } from '../model/decoder.js';
import { type DecoderParameter, decoderParameters, headParameter } from '../model/decoder-parameters.js';
import { loadParameters } from '../model/load-parameters.js';
import { distinctSequences, requireSameVocabulary, type Teacher, type VocabularyOwner } from './teacher.js';

export interface ModelTeacherOptions {
  student: VocabularyOwner;
  /** Positions of its rows: no sequence is longer. */
  length: number;
  kernels: TrainingKernels;
  /** Default: `highest`. */
  matmulPrecision?: MatmulPrecision;
  threads: number;
}

/** Positions of a run, about: enough that its products are fast, few enough that a last run wastes little. */
const runPositions = 1024;

export class ModelTeacher implements Teacher {
  readonly folder: string;
  readonly vocabSize: number;
  readonly config: DecoderConfig;
  readonly #shape: BatchShape;
  readonly #threads: number;
  readonly #parameters: readonly DecoderParameter[];
  readonly #graph: TrainingGraph;
  #session: TrainingSession | undefined;
  #weights: Readonly<Record<string, TensorValue>> = {};

  private constructor(folder: string, config: DecoderConfig, options: ModelTeacherOptions) {
    const { length, kernels, matmulPrecision = 'highest', threads } = options;
    const rows = Math.max(1, Math.round(runPositions / length));
    this.folder = folder;
    this.vocabSize = config.vocabSize;
    this.config = config;
    this.#shape = { rows, length };
    this.#threads = threads;
    this.#parameters = decoderParameters(config);
    const tape = new Tape('teacher', { kernels, matmulPrecision });
    const weights = new Map(this.#parameters.map(({ name, shape }) => [name, tape.input(name, shape)]));
    const hidden = decoderHidden(
      tape,
      config,
      this.#shape,
      (name) => weights.get(name)!,
      tape.input('input_ids', [rows * length], 'int64'),
      tape.input('visible_from', [rows, length], 'int32'),
    );
    this.#graph = buildTrainingGraph(tape, { loss: tape.scalar(0), metrics: { hidden }, parameters: [] });
  }

  /**
   * Reads the configuration and builds the graph; nothing large is in memory until `load`.
   * @throws HaetaeError TRAINING_VOCABULARY where the student's vocabulary is another, MODEL_INVALID or
   * MODEL_UNSUPPORTED where the folder is of no known family
   */
  static async prepare(folder: string, options: ModelTeacherOptions): Promise<ModelTeacher> {
    const config = await readDecoderConfig(folder);
    requireSameVocabulary(options.student, { folder, vocabSize: config.vocabSize });
    return new ModelTeacher(folder, config, options);
  }

  /** As `prepare`, and loads. Errors of both. */
  static async open(folder: string, options: ModelTeacherOptions): Promise<ModelTeacher> {
    const teacher = await ModelTeacher.prepare(folder, options);
    await teacher.load();
    return teacher;
  }

  /** Bytes that `load` and `feeds` take: of the weights, and of values inside a run. */
  get memory(): { weights: number; activations: number } {
    const weights = this.#parameters.reduce((sum, { shape }) => sum + 4 * elementCount(shape), 0);
    return { weights, activations: this.#graph.peakBytes };
  }

  /** Reads the weights and opens the session. @throws HaetaeError MODEL_INVALID where they are no float checkpoint */
  async load(): Promise<void> {
    const values = new Map(
      this.#parameters.map(({ name, shape }) => [name, new Float32Array(elementCount(shape))]),
    );
    await loadParameters(await Checkpoint.open(this.folder), this.#parameters, values);
    this.#session = await openTrainingGraph(this.#graph, { threads: this.#threads });
    this.#weights = Object.fromEntries(
      this.#parameters.map(({ name, shape }): [string, TensorValue] => [
        name,
        { type: 'float32', shape, data: values.get(name)! },
      ]),
    );
  }

  logits(tape: Tape, slots: number): TeacherLogits {
    const hidden = tape.input('teacher_hidden', [slots, this.config.hiddenSize]);
    const head = tape.input('teacher_head', [this.vocabSize, this.config.hiddenSize]);
    const chunk = headLogits(tape, hidden, head);
    return (from, to) => tape.withoutGradient((): Variable => chunk(from, to));
  }

  async feeds(sequences: readonly TeacherSequence[], slots: number): Promise<Record<string, TensorValue>> {
    const { hiddenSize } = this.config;
    const { rows, length } = this.#shape;
    const groups = distinctSequences(sequences);
    // Of the last token nothing is wanted but its label, and mostly so of those before it.
    const sizes = Uint32Array.from(groups, ([sequence]) => sequence!.positions.at(-1)! + 1);
    const plan = planRows('pack', sizes, Uint32Array.from(sizes.keys()), length);
    const hidden = new Float32Array(slots * hiddenSize);
    for (let first = 0; first < plan.rows; first += rows) {
      const inputIds = new BigInt64Array(rows * length);
      const visibleFrom = Int32Array.from({ length: rows * length }, (_, i) => i % length);
      const placed: { group: readonly TeacherSequence[]; at: number }[] = [];
      for (let row = first; row < Math.min(first + rows, plan.rows); row++) {
        let column = 0;
        for (let piece = plan.rowStarts[row]!; piece < plan.rowStarts[row + 1]!; piece++) {
          const group = groups[plan.items[piece]!]!;
          const size = plan.tos[piece]!;
          const at = (row - first) * length + column;
          for (let i = 0; i < size; i++) inputIds[at + i] = BigInt(group[0]!.tokens[i]!);
          visibleFrom.fill(column, at, at + size);
          placed.push({ group, at });
          column += size;
        }
      }
      const states = await this.#hidden(inputIds, visibleFrom);
      for (const { group, at } of placed) {
        for (const sequence of group) {
          for (const [i, slot] of sequence.slots.entries()) {
            const from = (at + sequence.positions[i]!) * hiddenSize;
            hidden.set(states.subarray(from, from + hiddenSize), slot * hiddenSize);
          }
        }
      }
    }
    return {
      teacher_hidden: { type: 'float32', shape: [slots, hiddenSize], data: hidden },
      teacher_head: this.#weights[headParameter(this.config)]!,
    };
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }

  /** States after the last norm, [rows · length, hiddenSize]. */
  async #hidden(inputIds: BigInt64Array, visibleFrom: Int32Array): Promise<Float32Array> {
    if (!this.#session) throw new Error(`the teacher ${this.folder} is not loaded`);
    const { rows, length } = this.#shape;
    const { metrics } = await this.#session.run(
      {
        ...this.#weights,
        input_ids: { type: 'int64', shape: [rows * length], data: inputIds },
        visible_from: { type: 'int32', shape: [rows, length], data: visibleFrom },
      },
      new Map(),
    );
    return metrics.hidden!.data as Float32Array;
  }
}
