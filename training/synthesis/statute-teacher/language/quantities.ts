/**
 * Periods, amounts, shares and counts in a sentence, and others of their kind that might stand in their place.
 *
 * `key` is the same for quantities that are equal however they are written (1년 = 12개월, 1주 = 7일, 5퍼센트 =
 * 100분의 5). Ordinals (제3자), dates and article numbers are no quantities.
 */
import { parseNumeral } from '../../../../shared/text/numbers.js';

export type QuantityKind = 'period' | 'money' | 'share' | 'count';

export interface Quantity {
  kind: QuantityKind;
  start: number;
  end: number;
  text: string;
  key: string;
  /** Written as this one is, the nearest first. */
  alternatives: readonly string[];
}

const boundary =
  '(?=\\s|[,.)]|$|이내|이상|이하|이전|이후|전|후|간|까지|마다|부터|미만|초과|동안|을|를|이|의|로|으로|에|씩|과|와|단위)';
const period = new RegExp(
  `(?<![\\d.,제]|월 |년 )(\\d{1,3})(\\s?)(년|개월|월|주일|주|일|시간|영업일)${boundary}`,
  'gu',
);
const money = /(?<![\d.,])\d[\d,]*(?:[십백천]?[만억조]|[백천])*(?: \d+[십백천]?[만억])*\s?원(?![칙인본리])/gu;
const hundredths = /(?<!\d)(100|1[,]?000|1만)분의 ?(\d+(?:\.\d+)?)/gu;
const fraction = /(?<!\d)([2-5])분의 ?([1-4])(?!\d)/gu;
const percent = /(?<![\d.])(\d+(?:\.\d+)?) ?(퍼센트|%)/gu;
const count = new RegExp(`(?<![\\d.,제])(\\d{1,4})(\\s?)(명|인|개|회|배|차례|대)${boundary}`, 'gu');

const ladders: Readonly<Record<string, readonly number[]>> = {
  년: [1, 2, 3, 4, 5, 7, 10, 15, 20],
  개월: [1, 2, 3, 4, 6, 9, 12, 18],
  월: [1, 2, 3, 4, 6, 9],
  주: [1, 2, 3, 4, 6],
  주일: [1, 2, 3, 4],
  일: [3, 5, 7, 10, 14, 15, 20, 30, 45, 60, 90, 120],
  영업일: [1, 2, 3, 5, 7, 10, 14],
  시간: [6, 12, 24, 48, 72, 96],
  명: [1, 2, 3, 5, 7, 9, 10, 11, 15, 20, 25, 30, 50, 100],
  개: [1, 2, 3, 4, 5, 7, 10],
  회: [1, 2, 3, 4, 5],
  배: [2, 3, 5, 10],
  share: [1, 3, 5, 7, 10, 15, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90],
};
const leadingDigits = [1, 2, 3, 5, 7];

export function quantitiesIn(text: string): Quantity[] {
  const found: Quantity[] = [];
  const add = (kind: QuantityKind, match: RegExpExecArray, key: string, alternatives: string[]) => {
    const start = match.index;
    const end = start + match[0].length;
    if (found.some((other) => other.start < end && start < other.end)) return;
    found.push({ kind, start, end, text: match[0], key, alternatives });
  };
  for (const match of text.matchAll(hundredths)) {
    const whole = Number((match[1] as string).replace(',', '').replace('만', '0000'));
    const part = Number(match[2]);
    const values = around(ladders.share, part);
    const others = values.map((value) => match[0].replace(/\d+(?:\.\d+)?$/u, String(value)));
    add('share', match, `%${(part * 100) / whole}`, others);
  }
  for (const match of text.matchAll(fraction))
    add(
      'share',
      match,
      `/${match[1]}/${match[2]}`,
      ['2분의 1', '3분의 1', '3분의 2', '4분의 1', '4분의 3', '5분의 1'].filter(
        (other) => other !== match[0],
      ),
    );
  for (const match of text.matchAll(percent)) {
    const others = around(ladders.share, Number(match[1])).map((value) =>
      match[0].replace(/^\d+(?:\.\d+)?/u, String(value)),
    );
    add('share', match, `%${Number(match[1])}`, others);
  }
  for (const match of text.matchAll(money)) add('money', match, `₩${wonIn(match[0])}`, amountsNear(match[0]));
  for (const match of text.matchAll(period)) {
    const [, digits = '', space = '', unit = ''] = match;
    const others = around(ladders[unit], Number(digits)).map((value) => `${value}${space}${unit}`);
    add('period', match, periodKey(Number(digits), unit), others);
  }
  for (const match of text.matchAll(count)) {
    const [, digits = '', space = '', unit = ''] = match;
    const ladder = ladders[unit === '인' || unit === '대' ? '명' : unit === '차례' ? '회' : unit];
    add(
      'count',
      match,
      `#${Number(digits)}${unit}`,
      around(ladder, Number(digits)).map((value) => `${value}${space}${unit}`),
    );
  }
  return found.sort((a, b) => a.start - b.start);
}

export function quantityKeys(text: string): Set<string> {
  return new Set(quantitiesIn(text).map(({ key }) => key));
}

function periodKey(value: number, unit: string): string {
  if (unit === '년') return `${value * 12}개월`;
  if (unit === '월') return `${value}개월`;
  if (unit === '주' || unit === '주일') return `${value * 7}일`;
  if (unit === '시간' && value % 24 === 0) return `${value / 24}일`;
  return `${value}${unit}`;
}

/** Values of a ladder nearest to one by their place, without it. */
function around(ladder: readonly number[] | undefined, value: number): number[] {
  const rungs = ladder ?? [];
  const place = rungs.filter((rung) => rung < value).length;
  const others = rungs.filter((rung) => rung !== value);
  if (value > (rungs.at(-1) ?? 0) * 2) return [value * 2, value / 2, value * 3].filter(Number.isInteger);
  return others.sort((a, b) => Math.abs(rungs.indexOf(a) - place) - Math.abs(rungs.indexOf(b) - place));
}

/** Of two quantities written alike, the greater has the greater magnitude. */
export function magnitude(quantity: string): number {
  const share = /^(\S+)분의 ?(\S+)/u.exec(quantity);
  if (share) return parseNumeral(share[2] as string) / parseNumeral(share[1] as string);
  // A unit such as 일 would be read as a numeral.
  return parseNumeral(/^\d[\d,.]*[십백천만억조]*/u.exec(quantity)?.[0].replaceAll(',', '') ?? '');
}

function wonIn(amount: string): number {
  return parseNumeral(amount.replace(/[,원\s]/gu, ''));
}

/** Amounts written alike: 3천만원 → 1천만원, 2천만원, 5천만원 …; one of several parts gives none. */
function amountsNear(amount: string): string[] {
  const match = /^(\d+)((?:[십백천]?[만억조]|[백천])\s?원)$/u.exec(amount);
  if (!match) return [];
  const [, digits = '', unit = ''] = match;
  const value = Number(digits);
  const scale = 10 ** (digits.length - 1);
  return leadingDigits
    .map((digit) => digit * scale)
    .filter((other) => other !== value)
    .sort((a, b) => Math.abs(Math.log(a / value)) - Math.abs(Math.log(b / value)))
    .map((other) => `${other}${unit}`);
}
