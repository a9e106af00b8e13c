/**
 * Where a divergence gets the teacher's distributions from: a frozen model beside the student (`model-teacher.ts`),
 * any decoder of the student runtime (`decoder-teacher.ts`), or a cache on disk (`cached-teacher.ts`).
 *
 * A teacher declares inputs of its own on the student's tape and gives logits there a chunk of tokens at a time, so
 * that those of a whole batch need not exist.
 */
import { HaetaeError } from '../../shared/errors.js';
import type { TensorValue } from '../../shared/onnx/session.js';
import type { Tape } from '../autodiff/tape.js';
import type { TeacherLogits } from '../blocks/linear-divergence.js';

/** What a teacher reads of a batch; those of `../data` fit. T = rows · length. */
export interface TeacherBatch {
  /** int64 [T] */
  readonly inputIds: BigInt64Array;
  /** int64 [T]: the token after each. */
  readonly labels: BigInt64Array;
  /** int32 [rows, length]: index in the row of the first position that each may attend to. */
  readonly visibleFrom: Int32Array;
  /** [T]: 1 where the label is trained on. */
  readonly mask: Uint8Array;
}

export interface Teacher {
  readonly folder: string;
  readonly vocabSize: number;
  /** Adds inputs to a student's tape. What comes of them has no gradient. */
  logits(tape: Tape): TeacherLogits;
  /** Those inputs for a batch. Logits are right where its mask is 1, and finite everywhere. */
  feeds(batch: TeacherBatch): Promise<Record<string, TensorValue>>;
  close(): Promise<void>;
}

export interface VocabularyOwner {
  /** Where it came from. */
  folder: string;
  vocabSize: number;
}

/** @throws HaetaeError TRAINING_VOCABULARY naming both sizes and both folders */
export function requireSameVocabulary(student: VocabularyOwner, teacher: VocabularyOwner): void {
  if (student.vocabSize === teacher.vocabSize) return;
  throw new HaetaeError(
    'TRAINING_VOCABULARY',
    `The student ${student.folder} has a vocabulary of ${student.vocabSize} tokens, the teacher ${teacher.folder} one of ${teacher.vocabSize}. A divergence compares the same tokens: take a teacher of the student's family, or train on its responses with: haetae train sft`,
    { student: student.vocabSize, teacher: teacher.vocabSize },
  );
}
