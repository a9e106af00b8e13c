/**
 * A frozen model beside the student: a second session computes its hidden states, and the student's graph multiplies
 * them with the teacher's head, a chunk of tokens at a time. So teacher logits never exist for a whole batch, and
 * what crosses between the sessions is [T, hidden size].
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
import { buildTrainingGraph, openTrainingGraph, type TrainingSession } from '../autodiff/training-graph.js';
import type { Variable } from '../autodiff/variable.js';
import { headLogits } from '../blocks/linear-cross-entropy.js';
import type { TeacherLogits } from '../blocks/linear-divergence.js';
import { type BatchShape, decoderHidden } from '../model/decoder.js';
import { decoderParameters, headParameter } from '../model/decoder-parameters.js';
import { loadParameters } from '../model/load-parameters.js';
import { requireSameVocabulary, type Teacher, type TeacherBatch, type VocabularyOwner } from './teacher.js';

export interface ModelTeacherOptions extends BatchShape {
  student: VocabularyOwner;
  kernels: TrainingKernels;
  /** Default: `highest`. */
  matmulPrecision?: MatmulPrecision;
  threads: number;
}

export class ModelTeacher implements Teacher {
  readonly folder: string;
  readonly vocabSize: number;
  readonly config: DecoderConfig;
  readonly #shape: BatchShape;
  readonly #session: TrainingSession;
  readonly #weights: Readonly<Record<string, TensorValue>>;
  readonly #head: TensorValue;

  private constructor(
    folder: string,
    config: DecoderConfig,
    shape: BatchShape,
    session: TrainingSession,
    weights: Readonly<Record<string, TensorValue>>,
  ) {
    this.folder = folder;
    this.vocabSize = config.vocabSize;
    this.config = config;
    this.#shape = shape;
    this.#session = session;
    this.#weights = weights;
    this.#head = weights[headParameter(config)]!;
  }

  /**
   * @throws HaetaeError TRAINING_VOCABULARY where the student's vocabulary is another, MODEL_INVALID or
   * MODEL_UNSUPPORTED where the folder is no float checkpoint of a known family
   */
  static async open(folder: string, options: ModelTeacherOptions): Promise<ModelTeacher> {
    const config = await readDecoderConfig(folder);
    requireSameVocabulary(options.student, { folder, vocabSize: config.vocabSize });
    const parameters = decoderParameters(config);
    const values = new Map(
      parameters.map(({ name, shape }) => [name, new Float32Array(elementCount(shape))]),
    );
    await loadParameters(await Checkpoint.open(folder), parameters, values);
    const { rows, length, kernels, matmulPrecision = 'highest', threads } = options;
    const tape = new Tape('teacher', { kernels, matmulPrecision });
    const weights = new Map(parameters.map(({ name, shape }) => [name, tape.input(name, shape)]));
    const hidden = decoderHidden(
      tape,
      config,
      { rows, length },
      (name) => weights.get(name)!,
      tape.input('input_ids', [rows * length], 'int64'),
      tape.input('visible_from', [rows, length], 'int32'),
    );
    const graph = buildTrainingGraph(tape, { loss: tape.scalar(0), metrics: { hidden }, parameters: [] });
    const session = await openTrainingGraph(graph, { threads });
    const fed = parameters.map(({ name, shape }): [string, TensorValue] => [
      name,
      { type: 'float32', shape, data: values.get(name)! },
    ]);
    return new ModelTeacher(folder, config, { rows, length }, session, Object.fromEntries(fed));
  }

  logits(tape: Tape): TeacherLogits {
    const { rows, length } = this.#shape;
    const hidden = tape.input('teacher_hidden', [rows * length, this.config.hiddenSize]);
    const head = tape.input('teacher_head', this.#head.shape);
    const chunk = headLogits(tape, hidden, head);
    return (from, to) => tape.withoutGradient((): Variable => chunk(from, to));
  }

  async feeds(batch: TeacherBatch): Promise<Record<string, TensorValue>> {
    const { rows, length } = this.#shape;
    const { metrics } = await this.#session.run(
      {
        ...this.#weights,
        input_ids: { type: 'int64', shape: [rows * length], data: batch.inputIds },
        visible_from: { type: 'int32', shape: [rows, length], data: batch.visibleFrom },
      },
      new Map(),
    );
    return { teacher_hidden: metrics.hidden!, teacher_head: this.#head };
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}
