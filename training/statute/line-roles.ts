/**
 * What a line of a statute is: the start of an article, a chapter heading, the start of addenda, …
 *
 * An article starts with `제N조(제목)` or `제N조의M(제목)`, with or without a space, or is `제N조 삭제`. Text
 * that merely begins with a reference (`제3조제1항에 따라`, `제3조의 규정`, `제3조(정의)에 따른`) is not one:
 * after the bracket of a heading no particle follows.
 */
import type { ArticleNumber } from './statute.js';

export interface ArticleStart {
  label: string;
  number: ArticleNumber;
  /** ` 부터 제10조까지`, as printed, where several articles are repealed or left out as one. */
  rangeText?: string;
  lastNumber?: ArticleNumber;
  heading: string;
  /** The rest of the line. */
  rest: string;
  deleted: boolean;
  /** Has a heading in brackets, or is deleted or left out in words: hard to mistake for a reference. */
  certain: boolean;
}

const label = /^제\s?(\d+)\s?조((?:\s?의\s?\d+)*)/;
/** Particles and connectives that make `제3조(정의)` a reference in running text. */
const particle =
  /^(?:에서|에게|에\s|에는|에도|에따|의\s|의규|을\s|를\s|은\s|는\s|이\s|가\s|와\s|과\s|\s*(?:및|또는|내지|부터)\s|으로|로\s|부터|까지|제\d|ㆍ|·|,|\)|」|”|")/;
const range =
  /^\s*(?:부터|내지|[~∼-])\s*제\s?(\d+)\s?조((?:\s?의\s?\d+)*)\s?(?:까지)?(?:는|를)?\s*(?=(?:각각\s*)?(?:삭\s?제|생략))/;
const pair = /^\s*(?:및|ㆍ|,)\s*제\s?(\d+)\s?조((?:\s?의\s?\d+)*)\s*(?=(?:각각\s*)?(?:삭\s?제|생략))/;

function numberOf(article: string, branches: string): ArticleNumber {
  return [Number(article), ...[...branches.matchAll(/\d+/g)].map((m) => Number(m[0]))];
}

/** `[21, 2]` → `제21조의2`. */
export function labelOf(number: ArticleNumber): string {
  return `제${number[0]}조${number
    .slice(1)
    .map((n) => `의${n}`)
    .join('')}`;
}

/** Reads the start of an article; undefined where the line is anything else. */
export function articleStart(line: string): ArticleStart | undefined {
  const match = label.exec(line);
  if (!match) return undefined;
  const number = numberOf(match[1]!, match[2] ?? '');
  const base = { label: labelOf(number), number };
  let rest = line.slice(match[0].length);
  const to = range.exec(rest) ?? pair.exec(rest);
  if (to) {
    const lastNumber = numberOf(to[1]!, to[2] ?? '');
    rest = rest.slice(to[0].length).trim();
    const deleted = /^(?:각각\s*)?삭\s?제/.test(rest);
    const rangeText = to[0].trimEnd();
    return { ...base, rangeText, lastNumber, heading: '', rest, deleted, certain: true };
  }
  const open = /^\s*\(/.exec(rest);
  if (open) {
    const end = closing(rest, open[0].length - 1);
    if (end < 0) return undefined;
    const heading = rest.slice(open[0].length, end).trim();
    const after = rest.slice(end + 1);
    if (particle.test(after)) return undefined;
    rest = after.trim();
    return { ...base, heading, rest, deleted: isDeleted(rest) || isDeleted(heading), certain: true };
  }
  if (/^\s*(?:삭\s?제|생략)\s*(?:[<＜([.]|$)/.test(rest))
    return { ...base, heading: '', rest: rest.trim(), deleted: isDeleted(rest.trim()), certain: true };
  if (rest.trim() === '') return { ...base, heading: '', rest: '', deleted: false, certain: false };
  if (/^\s+(?!및|또는|부터|내지|중\s|제\d|각\s)/.test(rest) && !/^\s*\d/.test(rest))
    return { ...base, heading: '', rest: rest.trim(), deleted: false, certain: false };
  return undefined;
}

function isDeleted(text: string): boolean {
  return /^삭\s?제\s*(?:[<＜([.]|$)/.test(text);
}

/** Position of the bracket that closes the one at `open`, or −1. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && --depth === 0) return i;
  }
  return -1;
}

const levels = ['편', '장', '절', '관'] as const;

/** Reads a chapter heading: its level (0 편, 1 장, 2 절, 3 관) and its text. */
export function chapterHeading(line: string): { level: number; text: string } | undefined {
  const match = /^제\s?\d+\s?(편|장|절|관)(?:의\s?\d+)?(?:\s+(.*)|)$/.exec(line);
  if (!match || line.length > 100 || /다\.$/.test(line)) return undefined;
  return { level: levels.indexOf(match[1] as (typeof levels)[number]), text: line };
}

/** `부칙`, `부칙 <제8387호, 2006. 4. 28.>`, `부칙(국회법) <…>`; not `부칙 제2조에 따라`. */
export function isAddendumStart(line: string): boolean {
  return /^부\s?칙(?:\s*[<＜([【].*)?$/.test(line) && !/다\.$/.test(line);
}

/** `[별표 1] …`, `<별지 제2호서식>`, `■ … [별표 1]` at the start of a line of its own. */
export function appendixLabel(line: string): string | undefined {
  const match =
    /^(?:■.*)?[[<＜【]\s*(별[표지]\s*(?:제?\s?\d+(?:의\d+)?\s*호?\s*(?:의\d+)?\s*(?:서식)?)?)\s*[\]>＞】]/.exec(
      line,
    );
  return match?.[1]?.replace(/\s+/g, ' ').trim();
}

/** Date of `[시행일: 2025. 10. 2.] 제31조의2` and of `[시행일 : 2015.4.16]`, ISO; '' where there is none. */
export function futureDate(line: string): string {
  const match = /^\[시행일\s*:\s*(\d{4})\s*\.\s*(\d{1,2})\s*\.\s*(\d{1,2})\s*\.?\s*\]/.exec(line);
  return match ? isoDate(match[1]!, match[2]!, match[3]!) : '';
}

/** Three numbers to `YYYY-MM-DD`. */
export function isoDate(year: string, month: string, day: string): string {
  return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
}
