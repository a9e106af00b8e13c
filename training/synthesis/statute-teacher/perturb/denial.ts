/** What a guide says, denied. */
import { denied } from '../language/denial.js';
import { endingsOf } from './modal.js';
import { falsehoodOf, type Perturbation } from './falsehood.js';

/** Of the sentences that can be denied: most guides deny little, and each denial would be known for false. */
const share = 0.35;

export const deny: Perturbation = (statement, { random }) => {
  const text = random() < share ? denied(statement.text) : null;
  return text === null
    ? []
    : [falsehoodOf(statement, 'denial', { text, ...endingsOf(statement.text, text) })];
};
