/** Another rank of rule: `대통령령으로 정하는` → `총리령으로 정하는`, `금융위원회가 정하여 고시하는` → `대통령령으로 정하는`. */
import { falsehoodOf, type Perturbation } from './falsehood.js';

const pattern = /(대통령령|총리령)으로 정(?=하|한)/u;
const others: Readonly<Record<string, readonly string[]>> = {
  대통령령: ['총리령', '금융감독원장이 정하는 세칙'],
  총리령: ['대통령령', '금융감독원장이 정하는 세칙'],
};

export const changeDelegation: Perturbation = (statement) => {
  const match = pattern.exec(statement.text);
  const own = match?.[1];
  if (!match || own === undefined || statement.text.includes('령으로', match.index + 6)) return [];
  return (others[own] ?? []).map((to) =>
    falsehoodOf(statement, 'delegation', {
      text: statement.text.replace(own, to),
      from: own,
      to,
    }),
  );
};
