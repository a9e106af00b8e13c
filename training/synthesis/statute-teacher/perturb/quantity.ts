/** Another period, amount, share or count; and 이상 for 이하. */
import { replaceWord } from '../language/particles.js';
import type { Statement } from '../extract/statements.js';
import { magnitude, type Quantity, quantitiesIn } from '../language/quantities.js';
import { type Falsehood, falsehoodOf, type Perturbation } from './falsehood.js';

const alternativesEach = 4;

/** A quantity that a sentence names twice cannot be changed in one place. */
function once(text: string): Quantity[] {
  const all = quantitiesIn(text);
  return all.filter(({ key }) => all.filter((other) => other.key === key).length === 1);
}

export const changeQuantity: Perturbation = (statement) =>
  quantityFalsehoods(statement, alternativesEach, rulesOut);

/** For a question that asks for the quantity itself: only the one that the article names fits. */
export const askQuantity: Perturbation = (statement) =>
  quantityFalsehoods(statement, Number.POSITIVE_INFINITY, () => true);

function quantityFalsehoods(
  statement: Statement,
  most: number,
  fits: (statement: Statement, quantity: Quantity, other: string) => boolean,
): Falsehood[] {
  return once(statement.text).flatMap((quantity) =>
    quantity.alternatives
      .filter((other) => fits(statement, quantity, other))
      .slice(0, most)
      .map((other) =>
        falsehoodOf(statement, 'quantity', {
          text: replaceWord(statement.text, quantity.start, quantity.end, other),
          from: quantity.text,
          to: other,
        }),
      ),
  );
}

/** `이상인 회사는`, `초과하는 경우`: the quantity says when, not how much. */
const condition =
  /^(?:을|를)?\s?(?:이상|이하|미만|초과|이내)(?:인|이면|일|이거나|하는|한\s|하게|된|이 되는|의 (?:자|회사|법인|경우))/u;
const ceiling = /^(?:을|를)?\s?(?:이내|이하|까지|전까지|안에|의 범위|미만|초과|을 넘|를 넘|한도)/u;
const floor = /^\s?이상/u;

/**
 * Who must answer within 10 days must answer within 30, and what may not exceed a tenth may not exceed a fifth: in
 * one direction another quantity follows from the one named. Only the other direction is false.
 */
function rulesOut({ text, modal }: Statement, { end, text: own }: Quantity, other: string): boolean {
  const after = text.slice(end);
  const isCeiling = ceiling.test(after);
  if (!isCeiling && !floor.test(after)) return true;
  const wantsGreater = condition.test(after) ? isCeiling : isCeiling === (modal === 'permission');
  return magnitude(other) > magnitude(own) === wantsGreater;
}

const bounds: Readonly<Record<string, string>> = { 이상: '미만', 이하: '초과', 미만: '이상', 초과: '이하' };

export const changeBound: Perturbation = (statement) =>
  quantitiesIn(statement.text).flatMap(({ end, text }) => {
    const match = /^(?:인|을|를)?\s?(이상|이하|미만|초과)(?=[\s을를의이인은는]|$)(?!하)/u.exec(
      statement.text.slice(end),
    );
    const other = bounds[match?.[1] ?? ''];
    if (!match || other === undefined || match[0] !== match[0].replace(/^[인을를]/u, '')) return [];
    const start = end + match[0].length - 2;
    return [
      falsehoodOf(statement, 'bound', {
        text: replaceWord(statement.text, start, start + 2, other),
        from: `${text} ${match[1]}`,
        to: `${text} ${other}`,
      }),
    ];
  });
