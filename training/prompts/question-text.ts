/** A question as a person would send it to the API: the stem, and each choice behind its number, on lines of their own. */
import type { QaPair } from '../formats/qa-pair.js';

export function questionText({ question, choices = [] }: Pick<QaPair, 'question' | 'choices'>): string {
  return [question, ...choices.map((choice, index) => `${index + 1} ${choice}`)].join('\n');
}
