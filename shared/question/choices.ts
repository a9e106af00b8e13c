/**
 * Splits a question into stem and choices.
 *
 * A multiple-choice question has at least two lines that begin with a number (`1 `, `1.`, `1)`, `①`), numbered
 * consecutively from 1. A stem may hold a numbered list of its own, so the *last* run that starts at 1 is the
 * list of choices; lines between two numbers belong to the choice above them. Circled numbers are also
 * recognised within one line, where plain numbers would be ambiguous. 2 to 10 choices; anything else is an open
 * question.
 */
import type { Choice } from './question.js';

export const minChoices = 2;
export const maxChoices = 10;

const circled = '①②③④⑤⑥⑦⑧⑨⑩';
const numberedLine = /^[ \t\u3000]*(?:([1-9][0-9]?)(?:[.)](?!\d)[ \t]*|[ \t]+)|([①-⑩])[ \t]*)(.*)$/u;

interface Run {
  choices: Choice[];
  /** Index of the line that holds choice 1. */
  start: number;
}

export function splitChoices(text: string): { stem: string; choices: Choice[] } {
  const lines = breakAtCircledNumbers(text.replace(/\r\n?/g, '\n')).split('\n');
  const run = lastRun(lines);
  if (!run || run.choices.length < minChoices || run.choices.length > maxChoices) {
    return { stem: text.trim(), choices: [] };
  }
  return {
    stem: lines.slice(0, run.start).join('\n').trim(),
    choices: run.choices.map((choice) => ({ number: choice.number, text: choice.text.trim() })),
  };
}

function lastRun(lines: readonly string[]): Run | undefined {
  let found: Run | undefined;
  let open: Run | undefined;
  for (const [index, line] of lines.entries()) {
    const match = numberedLine.exec(line);
    const number = match ? numberOf(match) : 0;
    if (number === 1) {
      open = { choices: [{ number, text: match?.[3] ?? '' }], start: index };
    } else if (open && number === open.choices.length + 1) {
      open.choices.push({ number, text: match?.[3] ?? '' });
    } else if (open) {
      const last = open.choices.at(-1);
      if (last) last.text += `\n${line}`;
    }
    if (open && open.choices.length >= minChoices) found = open;
  }
  return found;
}

function numberOf(match: RegExpExecArray): number {
  return match[1] ? Number(match[1]) : circled.indexOf(match[2] ?? '') + 1;
}

/** Puts `① a ② b` on lines of their own, if the circled numbers run from 1 upwards. */
function breakAtCircledNumbers(text: string): string {
  const marks = text.match(/[①-⑩]/gu);
  if (!marks || marks.length < minChoices) return text;
  const first = text.lastIndexOf('①');
  if (first < 0) return text;
  const tail = text.slice(first);
  const inOrder = (tail.match(/[①-⑩]/gu) ?? []).every((mark, index) => mark === circled[index]);
  return inOrder ? text.slice(0, first) + tail.replace(/[ \t]*([①-⑩])/gu, '\n$1') : text;
}
