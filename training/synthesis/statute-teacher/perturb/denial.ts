/** What a guide says, denied. */
import { denied } from '../language/denial.js';
import { endingsOf } from './modal.js';
import { falsehoodOf, type Perturbation } from './falsehood.js';

export const deny: Perturbation = (statement) => {
  const text = denied(statement.text);
  return text === null
    ? []
    : [falsehoodOf(statement, 'denial', { text, ...endingsOf(statement.text, text) })];
};
