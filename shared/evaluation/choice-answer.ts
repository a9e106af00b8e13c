/** Which choice an answer of a file means. */
import type { Choice } from '../question/question.js';
import { compactText } from '../text/longest-run.js';

/** `4`, `4번`, `4.`, `(4)`, `4.0` as spreadsheets make of it; `④` and wide digits are `4` once normalised. */
const numbered = /^\(?(\d{1,2})(?:\.0|[.)번])?$/u;

/**
 * The number of the choice as text: by its number, or its own words. Null: it is a number that no choice has.
 * Undefined: it is no number at all, and no choice's words.
 */
export function choiceAnswer(answer: string, choices: readonly Choice[]): string | null | undefined {
  const found = numbered.exec(answer.normalize('NFKC').trim());
  if (found) {
    const number = Number(found[1]);
    return choices.some((choice) => choice.number === number) ? String(number) : null;
  }
  const words = compactText(answer);
  const same = choices.filter(({ text }) => compactText(text) === words);
  return same.length === 1 ? String(same[0]?.number) : undefined;
}
