/**
 * `haetae train distill`: a student learns the distribution of a teacher with the same vocabulary. DistiLLM-2 on pairs
 * of the teacher's and the student's responses, or a plain divergence on prompts and responses.
 *
 * Where a line of the data has a `teacherPrompt`, the teacher reads that one, with the same response behind it: it may
 * see what the student does not. Distributions are compared token by token of the response.
 */
import { readConfig } from '../../shared/lm/quantize/folder-files.js';
import { openDecoderEncoder } from '../data/decoder-encoder.js';
import { PackedBatches } from '../data/packed-batches.js';
import { PairBatches } from '../data/pair-batches.js';
import { needsPairs, type ResolvedLoss, resolveLoss } from '../losses/loss-config.js';
import { addObjective } from '../losses/objective.js';
import { loraConfig } from '../model/lora.js';
import type { DistillRun } from '../run/run-file-schema.js';
import type { AnswerSlots, TeacherSequence } from '../data/answer-slots.js';
import type { Teacher } from '../teacher/teacher.js';
import { openDistillTeacher } from './distill-teacher.js';
import type { BatchStream, ValidationSet } from './graph-task.js';
import { dataTable, decoderResult, modelTable, stepsOf, trainedGraph } from './language-model.js';
import { modelInputs } from './model-inputs.js';
import { PairStream } from './pair-stream.js';
import { type Corpora, dataInputs, fileHash, readCorpus } from './read-corpus.js';
import type { ProgramDefinition } from './run-program.js';
import { TokenBatches, validationBatches } from './token-batches.js';
import { TrainableDecoder } from './trainable-decoder.js';

export const distill: ProgramDefinition<DistillRun> = {
  program: 'distill',
  async inputs({ data, model, teacher }) {
    return {
      ...(await dataInputs(data)),
      ...(await modelInputs(model.from)),
      ...(teacher.from === undefined ? await cacheInputs(teacher.cache!) : await modelInputs(teacher.from)),
    };
  },
  async prepare(run, context) {
    const { data, seed, lora, model } = run;
    const loss = resolveLoss(run.loss);
    const { config } = await readConfig(model.from);
    const encoder = await openDecoderEncoder(model.from, { ...config, teacherPrompts: true });
    const kind = needsPairs(loss) ? 'pair' : 'dialogue';
    const options = { kind, seed, output: context.output, signal: context.signal } as const;
    const batches = distillBatches(run, loss, await readCorpus(data, encoder, options));
    const shape = { rows: needsPairs(loss) ? 2 * data.rows : data.rows, length: data.length };
    const source = await openDistillTeacher({
      ...{ run, context, sequences: batches.passes, batchCount: batches.passBatches },
      slots: Math.max(batches.slots.training, batches.slots.validation),
      length: teacherLength(run),
      student: { folder: model.from, vocabSize: config.vocabSize },
    });
    const { stream, validation } = batches.open(source.teacher);
    const decoder = new TrainableDecoder({
      ...{ config, from: model.from, seed },
      lora: lora ? loraConfig(lora) : null,
    });
    const graph = trainedGraph({
      ...{ run, context, totalSteps: batches.totalSteps, stream, validation, memory: source.memory },
      plan: {
        name: 'distill',
        ...{ trained: decoder.trained, frozen: decoder.frozen },
        build(tape, weights, purpose) {
          const slots = batches.slots[purpose];
          const { hidden, head } = decoder.forward(tape, shape, weights, slots);
          const pairs = batches.pairs[purpose];
          return addObjective(tape, loss, {
            ...{ hidden, head, teacher: source.teacher.logits(tape, slots) },
            labels: tape.input('labels', [slots], 'int64'),
            weights: tape.input('weights', [slots, 1]),
            ...(pairs === undefined ? {} : { pairs }),
          });
        },
      },
      async begin(trained) {
        await source.load();
        return decoder.begin(trained);
      },
      close: () => source.teacher.close(),
    });
    return {
      totalSteps: batches.totalSteps,
      ...{ memory: graph.memory, open: graph.open },
      tables: {
        Student: modelTable(decoder, model.from),
        Teacher: source.table,
        Loss: Object.entries(loss).map(([name, value]) => [name, String(value)]),
        Data: batches.table,
      },
      ...decoderResult(decoder, graph, model.from, model.from),
    };
  },
};

/** Of a cache without its teacher; one with it is held against the teacher's weights. Missing ones `prepare` refuses. */
async function cacheInputs(path: string): Promise<Record<string, string>> {
  return { [`the teacher's cache ${path}`]: await fileHash(path).catch(() => 'missing') };
}

interface DistillBatches {
  totalSteps: number;
  /** Most pairs in a batch, of losses over pairs. */
  pairs: { training?: number; validation?: number };
  /** Answer slots of a batch. Without validation its graph is built all the same, and never opened. */
  slots: { training: number; validation: number };
  table: ReturnType<typeof dataTable>;
  /** What the teacher reads of each batch, in a pass over training data, then one over validation data. */
  passes: () => Iterable<readonly TeacherSequence[]>;
  passBatches: number;
  open(teacher: Teacher): { stream: BatchStream; validation: ValidationSet | null };
}

function distillBatches(run: DistillRun, loss: ResolvedLoss, corpora: Corpora): DistillBatches {
  const { rows, length, tooLong, maxPromptTokens } = run.data;
  const options = {
    ...{ rows, length, seed: run.seed, tooLong, teacherLength: teacherLength(run) },
    ...(maxPromptTokens === undefined ? {} : { maxPromptTokens }),
  };
  const { accumulate } = run;
  const most = run.evaluation.batches;
  if (!needsPairs(loss)) {
    const training = new PackedBatches(corpora.training, options);
    const held = corpora.validation && new PackedBatches(corpora.validation, options);
    return {
      ...shared(run, training, held),
      pairs: {},
      open(teacher) {
        const options = { weighting: run.weighting, more: feedsOf(teacher) };
        return {
          stream: new TokenBatches(training, accumulate, options),
          validation: held && validationBatches(held, most, options),
        };
      },
    };
  }
  const training = new PairBatches(corpora.training, options);
  const held = corpora.validation && new PairBatches(corpora.validation, options);
  const common = shared(run, training, held);
  return {
    ...common,
    pairs: {
      training: rows * training.pairsPerRow,
      validation: rows * (held ?? training).pairsPerRow,
    },
    open(teacher) {
      const stream = new PairStream(training, {
        ...{ loss, totalSteps: common.totalSteps, accumulate, windowSteps: run.alphaWindowSteps },
        teacher: feedsOf(teacher),
      });
      return { stream, validation: held && stream.validation(held, most) };
    },
  };
}

type AnyBatches = PackedBatches | PairBatches;

/** Positions of a row of what the teacher reads: never shorter than the student's, whose sequences it may be. */
function teacherLength({ teacher, data }: DistillRun): number {
  return Math.max(teacher.length ?? data.length, data.length);
}

function feedsOf(teacher: Teacher) {
  return ({ sequences, positions }: AnswerSlots) => teacher.feeds(sequences, positions.length);
}

/** What both kinds of batches say of themselves. */
function shared(run: DistillRun, training: AnyBatches, held: AnyBatches | null) {
  const { batchesPerEpoch } = training;
  const totalSteps = stepsOf(run, batchesPerEpoch);
  // Dialogues and pairs always have slots.
  const slots = training.slots!;
  return {
    totalSteps,
    slots: { training: slots, validation: held?.slots ?? slots },
    table: dataTable(training.statistics, held?.statistics ?? null, {
      ...{ rows: run.data.rows, length: run.data.length, accumulate: run.accumulate },
      ...{ totalSteps, batchesPerEpoch, slots },
    }),
    *passes(): Generator<readonly TeacherSequence[]> {
      for (const of of held ? [training, held] : [training]) {
        for (const { answers } of of.pass()) yield answers?.sequences ?? [];
      }
    },
    passBatches: Math.ceil(batchesPerEpoch) + Math.ceil(held?.batchesPerEpoch ?? 0),
  };
}
