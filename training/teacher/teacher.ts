/**
 * Where a divergence gets the teacher's distributions from: a frozen model beside the student (`model-teacher.ts`),
 * any decoder of the student runtime (`decoder-teacher.ts`), or a cache on disk (`cached-teacher.ts`).
 *
 * A teacher reads sequences of its own, whose prompts need not be those of the student, and gives the distributions
 * behind the tokens of their answers, one for each slot of a batch (see `../data/answer-slots.ts`). It declares inputs
 * on the student's tape and gives logits there a chunk of slots at a time, so that those of a whole batch need not
 * exist.
 */
import { HaetaeError } from '../../shared/errors.js';
import type { TensorValue } from '../../shared/onnx/session.js';
import type { Tape } from '../autodiff/tape.js';
import type { TeacherLogits } from '../blocks/linear-divergence.js';
import type { TeacherSequence } from '../data/answer-slots.js';

export interface Teacher {
  readonly folder: string;
  readonly vocabSize: number;
  /** Adds inputs to a student's tape. What comes of them has no gradient. @param slots of a batch */
  logits(tape: Tape, slots: number): TeacherLogits;
  /** Those inputs for the sequences of a batch. Logits of slots that no sequence takes are finite. */
  feeds(sequences: readonly TeacherSequence[], slots: number): Promise<Record<string, TensorValue>>;
  close(): Promise<void>;
}

/** Sequences that are asked for once though several slots want them: of pairs, equal responses. */
export function distinctSequences(sequences: readonly TeacherSequence[]): TeacherSequence[][] {
  const groups = new Map<string, TeacherSequence[]>();
  for (const sequence of sequences) {
    if (sequence.positions.length === 0) continue;
    const { from, positions } = spanOf(sequence);
    const { buffer, byteOffset, byteLength } = sequence.tokens;
    const key = `${from}+${positions} ${Buffer.from(buffer, byteOffset, byteLength).toString('latin1')}`;
    const group = groups.get(key);
    if (group) group.push(sequence);
    else groups.set(key, [sequence]);
  }
  return [...groups.values()];
}

/** Tokens from the first whose distribution is wanted to the last. */
export function spanOf({ positions }: TeacherSequence): { from: number; positions: number } {
  const from = positions[0]!;
  return { from, positions: positions.at(-1)! - from + 1 };
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
