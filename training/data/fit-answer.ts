/** The part of a sequence that trains, with the part of its teacher's: cut differently, but to the same answer. */
import type { PlacedAnswer } from './answer-slots.js';
import { type FitOptions, type FittedSequence, fitSequence } from './fit-sequence.js';
import type { TokenCorpus } from './token-corpus.js';

export interface FitAnswerOptions extends FitOptions {
  /** Positions of a row of the teacher, ≥ `length`. Default: `length`. */
  teacherLength?: number;
}

export interface FittedAnswer extends FittedSequence {
  sequence: number;
  /** The first is the student's prompt where the teacher has none of its own. */
  teacher: FittedSequence & { sequence: number };
  /** Tokens of it that are trained on. */
  trainedTokens: number;
}

/** Null: as `fitSequence`, of either. */
export function fitAnswer(
  corpus: TokenCorpus,
  example: number,
  sequence: number,
  options: FitAnswerOptions,
): FittedAnswer | null {
  const own = fitSequence(corpus, sequence, options);
  if (!own) return null;
  const taught = corpus.teacherSequence(example, sequence);
  const counted = ({ from, to, isTruncated }: FittedSequence): Omit<FittedAnswer, 'teacher'> => ({
    ...{ sequence, from, to, isTruncated },
    trainedTokens: corpus.trainedCount(sequence, from + 1, to + 1),
  });
  if (taught === sequence) return { ...counted(own), teacher: { ...own, sequence } };
  const { length, tooLong, teacherLength = length } = options;
  const other = fitSequence(corpus, taught, { length: teacherLength, ...(tooLong ? { tooLong } : {}) });
  if (!other) return null;
  const prompts = [corpus.promptLength(sequence), corpus.promptLength(taught)] as const;
  const answer = Math.min(own.to - prompts[0], other.to - prompts[1]);
  return {
    ...counted({ ...own, to: prompts[0] + answer }),
    teacher: { ...other, to: prompts[1] + answer, sequence: taught },
  };
}

/** Whether the teacher has a sequence of its own, and it is cut. */
export function isTeacherCut({ sequence, teacher }: FittedAnswer): boolean {
  return teacher.sequence !== sequence && teacher.isTruncated;
}

/** The answer in a batch whose position `at` is the first of the sequence. */
export function placeAnswer(
  corpus: TokenCorpus,
  { sequence, from, to, teacher }: FittedAnswer,
  at: number,
): PlacedAnswer {
  const tokens = corpus.sequence(sequence);
  const learnt = trainedPositions(corpus, sequence, from, to);
  return {
    positions: learnt.map((position) => at + position),
    labels: learnt.map((position) => tokens[from + position + 1]!),
    teacher: {
      tokens: Int32Array.from(corpus.sequence(teacher.sequence).subarray(teacher.from, teacher.to + 1)),
      positions: Int32Array.from(trainedPositions(corpus, teacher.sequence, teacher.from, teacher.to)),
    },
  };
}

/** Positions from `from` on whose next token is trained on. */
function trainedPositions(corpus: TokenCorpus, sequence: number, from: number, to: number): number[] {
  const positions: number[] = [];
  corpus.trainedRuns(sequence, from + 1, to + 1, (start, end) => {
    for (let token = start; token < end; token++) positions.push(token - from - 1);
  });
  return positions;
}
