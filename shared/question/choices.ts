/**
 * Splits a question into stem and choices.
 *
 * A multiple-choice question has at least two lines that begin with a number (`1 `, `1.`, `1)`, `①`), numbered
 * consecutively from 1 in one style. A stem may hold a numbered list of its own, so the *last* run that starts at
 * 1 is the list of choices; lines between two numbers, whatever number they begin with, belong to the choice
 * above them. Circled numbers are also recognised within a line, where plain numbers would be ambiguous. 2 to 10
 * choices; anything else is an open question.
 */
import type { Choice } from './question.js';

export const minChoices = 2;
export const maxChoices = 10;

const circled = '①②③④⑤⑥⑦⑧⑨⑩';
/** `1.5 %` is a decimal, so a full stop before a digit does not number a line. */
const numberedLine = /^\s*(?:([1-9][0-9]?)(?:\.(?!\d)|\)|\s|$)|([①-⑩]))(.*)$/u;

/** Index of the line on which each choice begins. */
type Run = readonly number[];

export function splitChoices(text: string): { stem: string; choices: Choice[] } {
  const whole = text.replace(/\r\n?/gu, '\n');
  let lines = whole.split('\n');
  let run = lastRun(lines);
  const broken = breakAtCircledNumbers(whole, run !== undefined);
  if (broken) {
    lines = broken.split('\n');
    run = lastRun(lines);
  }
  if (!run || run.length > maxChoices) return { stem: whole.trim(), choices: [] };
  const choices = run.map((start, index) => {
    const [first = '', ...more] = lines.slice(start, run[index + 1]);
    const text = [numberedLine.exec(first)?.[3] ?? '', ...more].join('\n').trim();
    return { number: index + 1, text };
  });
  return { stem: lines.slice(0, run[0]).join('\n').trim(), choices };
}

/** The run of at least two lines that starts last. */
function lastRun(lines: readonly string[]): Run | undefined {
  // Of all runs that wait for the same number, only the one that started last can win: one place each.
  const waiting = { plain: [] as (Run | undefined)[], circled: [] as (Run | undefined)[] };
  let found: Run | undefined;
  for (const [index, line] of lines.entries()) {
    const match = numberedLine.exec(line);
    if (!match) continue;
    const runs = match[1] ? waiting.plain : waiting.circled;
    const number = match[1] ? Number(match[1]) : circled.indexOf(match[2] as string) + 1;
    const before = number === 1 ? [] : runs[number];
    if (!before) continue;
    const run = [...before, index];
    runs[number] = undefined;
    runs[number + 1] = run;
    if (run.length >= minChoices && (run[0] as number) >= (found?.[0] ?? 0)) found = run;
  }
  return found;
}

/**
 * `① a ② b` with each on a line of its own, if the circled numbers run from 1 upwards; undefined if not.
 * Where the lines form a run already, `①` must begin a line: else it is part of a choice (`4 ①, ②`).
 */
function breakAtCircledNumbers(text: string, hasRun: boolean): string | undefined {
  const first = text.lastIndexOf('①');
  if (first < 0) return undefined;
  const lineStart = text.lastIndexOf('\n', first) + 1;
  if (hasRun && text.slice(lineStart, first).trim() !== '') return undefined;
  const tail = text.slice(first);
  const marks = tail.match(/[①-⑩]/gu) ?? [];
  if (marks.length < minChoices || marks.some((mark, index) => mark !== circled[index])) return undefined;
  return text.slice(0, first) + tail.replace(/[①-⑩]/gu, '\n$&');
}
