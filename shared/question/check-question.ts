/** What every door lets in: a question that has text, fits, and is valid Unicode without NUL. */
import { HaetaeError } from '../errors.js';
import { maxQuestionLength } from './classify.js';

/**
 * Throws `QUESTION_EMPTY` (only white space), `QUESTION_TOO_LONG` (more than `limit` characters) or
 * `REQUEST_INVALID` (a NUL character, or half of a surrogate pair).
 */
export function checkQuestion(question: string, limit = maxQuestionLength): void {
  if (question.length > limit) {
    throw new HaetaeError(
      'QUESTION_TOO_LONG',
      `The question has ${question.length} characters; at most ${limit} are answered. Shorten it.`,
    );
  }
  if (question.trim() === '') {
    throw new HaetaeError('QUESTION_EMPTY', 'The question holds no text. Send the question as a string.');
  }
  if (question.includes('\u0000') || /\p{Surrogate}/u.test(question)) {
    throw new HaetaeError(
      'REQUEST_INVALID',
      'The question holds a NUL character or half of a surrogate pair. Send valid Unicode text.',
    );
  }
}
