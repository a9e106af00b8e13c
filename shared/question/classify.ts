/**
 * The classifier: rules, no model, microseconds. It says what kind of question this is, what is asked, what may
 * be chosen, and whether the false choice is wanted.
 */
import { HaetaeError } from '../errors.js';
import { splitChoices } from './choices.js';
import { domainOf } from './domain.js';
import { isNegated } from './negation.js';
import type { Classification } from './question.js';

/** Longest question accepted, in UTF-16 code units; the longest real one has about 700. */
export const maxQuestionLength = 20_000;

/**
 * @param text a question as a person writes it: stem, then choices on lines of their own.
 * @throws HaetaeError QUESTION_EMPTY, QUESTION_TOO_LONG
 */
export function classify(text: string): Classification {
  if (text.trim() === '') {
    throw new HaetaeError(
      'QUESTION_EMPTY',
      'The question holds no text. Send the stem, and its choices on lines of their own.',
    );
  }
  if (text.length > maxQuestionLength) {
    throw new HaetaeError(
      'QUESTION_TOO_LONG',
      `The question has ${text.length} characters; at most ${maxQuestionLength} are accepted. Shorten it.`,
      { length: text.length, max: maxQuestionLength },
    );
  }
  const question = text.normalize('NFC');
  const { stem, choices } = splitChoices(question);
  const multipleChoice = choices.length > 0;
  return {
    questionType: multipleChoice ? 'multiple-choice' : 'open',
    stem,
    choices,
    negated: multipleChoice && isNegated(stem),
    domain: domainOf(question),
    confidence: confidenceOf(stem, choices.length, question),
  };
}

/** 1 where the form leaves no doubt; less where choices lack a stem, or an open question looks like a list. */
function confidenceOf(stem: string, choices: number, question: string): number {
  if (choices >= 4 && choices <= 5 && stem !== '') return 1;
  if (choices > 0) return stem === '' ? 0.5 : 0.9;
  return /^[^\S\n]*(?:\d{1,2}[.)\s]|[①-⑩])/mu.test(question) ? 0.6 : 0.95;
}
