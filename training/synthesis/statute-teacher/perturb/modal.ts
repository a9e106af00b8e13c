/** What must be done need not, what may not be done may; and what may be done must. */
import { obliged, turned } from '../language/modal.js';
import { falsehoodOf, type Perturbation } from './falsehood.js';

/** Where the article has exceptions, a turned statement may be one of them. */
export const turnModal: Perturbation = (statement) => {
  const text = statement.excepted ? null : turned(statement.text);
  return text === null ? [] : [falsehoodOf(statement, 'modal', { text, ...endingsOf(statement.text, text) })];
};

export const oblige: Perturbation = (statement) => {
  const text = statement.excepted ? null : obliged(statement.text);
  return text === null
    ? []
    : [falsehoodOf(statement, 'obligation', { text, ...endingsOf(statement.text, text) })];
};

/** Where the two sentences part, up to their ends. */
export function endingsOf(one: string, other: string): { from: string; to: string } {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  const word = one.lastIndexOf(' ', at) + 1;
  return { from: one.slice(word), to: other.slice(word) };
}
