/** Another period, amount, share or count; and 이상 for 이하. */
import { replaceWord } from '../language/particles.js';
import { type Quantity, quantitiesIn } from '../language/quantities.js';
import { falsehoodOf, type Perturbation } from './falsehood.js';

const alternativesEach = 4;

/** A quantity that a sentence names twice cannot be changed in one place. */
function once(text: string): Quantity[] {
  const all = quantitiesIn(text);
  return all.filter(({ key }) => all.filter((other) => other.key === key).length === 1);
}

export const changeQuantity: Perturbation = (statement) =>
  once(statement.text).flatMap(({ start, end, text, alternatives }) =>
    alternatives.slice(0, alternativesEach).map((other) =>
      falsehoodOf(statement, 'quantity', {
        text: replaceWord(statement.text, start, end, other),
        from: text,
        to: other,
      }),
    ),
  );

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
