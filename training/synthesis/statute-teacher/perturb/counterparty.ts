/** Another recipient or grantor: `금융위원회에 보고` → `금융감독원장에게 보고`, `이사회의 승인` → `주주총회의 승인`. */
import { type Counterparty, counterpartyOf } from '../extract/actors.js';
import { otherActors } from './actor.js';
import type { Statement } from '../extract/statements.js';
import { type Falsehood, falsehoodOf, type Perturbation } from './falsehood.js';

/** 에게 goes with people and offices held by one, 에 with bodies. */
export function dative(name: string): string {
  return /(?:위원회|회사|기관|협회|법원|은행|공사|공단|조합|거래소|진흥원|감독원|이사회|결제원|총회|협의회|센터|정부|국가)$/u.test(
    name,
  )
    ? `${name}에`
    : `${name}에게`;
}

export function withCounterparty(
  text: string,
  { start, end, particle }: Counterparty,
  other: string,
): string {
  const put = particle === '의' ? `${other}의` : dative(other);
  return text.slice(0, start) + put + text.slice(end + particle.length);
}

export const changeCounterparty: Perturbation = (statement) => counterpartyFalsehoods(statement, usual);

/** For a question that asks for whom: any other. */
export const askCounterparty: Perturbation = (statement) =>
  counterpartyFalsehoods(statement, Number.POSITIVE_INFINITY);

/** The names that a document names most. */
const usual = 5;

function counterpartyFalsehoods(statement: Statement, most: number): Falsehood[] {
  const counterparty = counterpartyOf(statement.text);
  if (!counterparty) return [];
  return otherActors(counterparty.text, statement.article.document)
    .filter((other) => !statement.text.includes(other))
    .slice(0, most)
    .map((other) =>
      falsehoodOf(statement, 'counterparty', {
        text: withCounterparty(statement.text, counterparty, other),
        from: counterparty.text,
        to: other,
      }),
    );
}
