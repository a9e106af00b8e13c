/**
 * The teacher of a run file: a float checkpoint beside the student, another kind of model through the student runtime,
 * or a cache of log-probabilities, which is filled first where it is not whole.
 */
import { join } from 'node:path';
import { startProgress } from '../../shared/progress.js';
import { Checkpoint } from '../../shared/lm/checkpoint.js';
import { readDecoderConfig } from '../../shared/lm/decoder-config.js';
import { openTokenizer } from '../../shared/lm/tokenizer.js';
import { HaetaeError } from '../../shared/errors.js';
import type { TeacherSequence } from '../data/answer-slots.js';
import type { MemoryPart } from '../run/memory-estimate.js';
import type { DistillRun } from '../run/run-file-schema.js';
import type { FactTable } from '../run/report-page.js';
import { CachedTeacher, fillCache } from '../teacher/cached-teacher.js';
import { DecoderTeacher, teacherFingerprint } from '../teacher/decoder-teacher.js';
import { LogProbCacheWriter } from '../teacher/log-prob-cache.js';
import { ModelTeacher } from '../teacher/model-teacher.js';
import type { Teacher, VocabularyOwner } from '../teacher/teacher.js';
import type { ProgramContext } from './run-program.js';

export interface DistillTeacher {
  teacher: Teacher;
  memory: readonly MemoryPart[];
  table: FactTable;
  /** Reads what is large. */
  load(): Promise<void>;
}

export interface DistillTeacherOptions {
  run: DistillRun;
  context: ProgramContext;
  student: VocabularyOwner;
  /** Most answer slots of a batch. */
  slots: number;
  /** Positions of a row of what it reads. */
  length: number;
  /** Of every batch of a pass over training and validation data: what a cache has to hold. */
  sequences: () => Iterable<readonly TeacherSequence[]>;
  batchCount: number;
}

/** @throws HaetaeError TRAINING_VOCABULARY, TRAINING_CACHE_INVALID, MODEL_INVALID, CANCELLED */
export async function openDistillTeacher(options: DistillTeacherOptions): Promise<DistillTeacher> {
  const { run, context, student, slots, length } = options;
  const { from, cache } = run.teacher;
  if (from !== undefined) await requireSameTokens(student.folder, from);
  if (cache !== undefined && !(context.dryRun && from !== undefined)) {
    const teacher =
      from === undefined
        ? await CachedTeacher.open(cache, student)
        : await plannedCache(from, cache, options);
    return {
      teacher,
      memory: [{ name: 'log-probabilities of a batch', bytes: teacher.feedBytes(slots) }],
      table: [
        ['Cache', cache],
        ['Made by', teacher.folder],
      ],
      // What may take hours comes when it is known that the run fits.
      async load() {
        if (from !== undefined) await fillFrom(from, cache, options);
        await teacher.load();
      },
    };
  }
  const { threads, kernels, matmulPrecision } = context;
  const config = await readDecoderConfig(from!);
  if (config.quantization === null && (await Checkpoint.isIn(from!))) {
    const teacher = await ModelTeacher.prepare(from!, {
      ...{ student, length, kernels, matmulPrecision, threads },
    });
    const { weights, activations } = teacher.memory;
    return {
      teacher,
      memory: [
        { name: 'weights of the teacher', bytes: weights },
        { name: 'activations of the teacher', bytes: activations },
      ],
      table: [['Folder', from!]],
      load: () => teacher.load(),
    };
  }
  return {
    teacher: await DecoderTeacher.open(from!, { student, threads }),
    memory: [{ name: "the teacher's logits of a batch", bytes: 4 * slots * student.vocabSize }],
    table: [['Folder', `${from}, through the student runtime`]],
    load: async () => {},
  };
}

/** The teacher that a cache will be once it is filled, known by the teacher's configuration. */
async function plannedCache(
  from: string,
  cache: string,
  { run, student }: DistillTeacherOptions,
): Promise<CachedTeacher> {
  const { topK } = run.teacher;
  const { vocabSize } = await readDecoderConfig(from);
  const teacher = new CachedTeacher(cache, { folder: from, vocabSize, k: topK }, student);
  if (topK !== null && topK > vocabSize) {
    throw new HaetaeError(
      'CONFIG_INVALID',
      `teacher.topK is ${topK}, and the vocabulary has ${vocabSize} tokens. Keep fewer, or all with null.`,
      { topK, vocabSize },
    );
  }
  return teacher;
}

/** Asks the teacher for every sequence that the cache has not; goes on where an earlier run was stopped. */
async function fillFrom(
  from: string,
  cache: string,
  { run, context, student, sequences, batchCount }: DistillTeacherOptions,
): Promise<void> {
  const { topK, cacheType } = run.teacher;
  // Before the cache: no file is begun for a teacher that does not fit.
  const teacher = await DecoderTeacher.open(from, { student, threads: context.threads });
  const writer = await LogProbCacheWriter.open(cache, {
    ...{ vocabSize: student.vocabSize, folder: from, model: await teacherFingerprint(from) },
    ...{ k: topK, type: cacheType },
  }).catch(async (error: unknown) => {
    await teacher.close();
    throw error;
  });
  const progress = startProgress('ask the teacher', batchCount);
  try {
    for (const batch of sequences()) {
      await fillCache(writer, teacher, batch);
      progress.tick(`${writer.records} sequences`);
      await writer.flush();
      if (context.signal.aborted) throw new HaetaeError('CANCELLED', 'The cache is not whole yet.');
    }
  } finally {
    progress.stop();
    await teacher.close();
    await writer.close();
  }
}

/**
 * Sizes are compared by the teachers; here each token.
 * @throws HaetaeError TRAINING_VOCABULARY that names the first token that differs
 */
async function requireSameTokens(student: string, teacher: string): Promise<void> {
  const [own, other] = await Promise.all(
    [student, teacher].map((folder) => openTokenizer(join(folder, 'tokenizer.json'))),
  );
  for (let id = 0; id < Math.min(own!.vocabSize, other!.vocabSize); id++) {
    const [ownToken, otherToken] = [own!.idToToken(id), other!.idToToken(id)];
    if (ownToken === otherToken) continue;
    throw new HaetaeError(
      'TRAINING_VOCABULARY',
      `Token ${id} is ${JSON.stringify(ownToken ?? null)} to the student ${student} (${own!.vocabSize} tokens), and ` +
        `${JSON.stringify(otherToken ?? null)} to the teacher ${teacher} (${other!.vocabSize} tokens). A divergence ` +
        'compares the same tokens: take a teacher of the same family, or train on its responses with: haetae train sft',
      { id, student: own!.vocabSize, teacher: other!.vocabSize },
    );
  }
}
