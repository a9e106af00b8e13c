/**
 * A table as text: one line a row, cells separated by ` | `. A table that does not fit is cut between rows, and
 * each part starts with the header row; a row that does not fit is cut at sentence ends.
 */
import { countTokens } from '../../shared/text/token-count.js';
import { sentencesOf } from './sentences-of.js';

/** Line of one row. */
export function rowLine(row: readonly string[]): string {
  return row.map((cell) => cell.replace(/\s+/gu, ' ').trim()).join(' | ');
}

/** Texts of at most `max` tokens each. The first row is the header. */
export function splitTable(rows: readonly (readonly string[])[], max: number): string[] {
  const lines = rows.map(rowLine);
  const whole = lines.join('\n');
  if (countTokens(whole) <= max) return [whole];
  const [first = '', ...others] = lines;
  const header = countTokens(first) <= max / 3 ? first : '';
  const room = max - countTokens(header);
  const body = header === '' ? lines : others;
  const texts: string[] = [];
  let open: string[] = [];
  let tokens = 0;
  const close = (): void => {
    if (open.length > 0) texts.push([header, ...open].filter((line) => line !== '').join('\n'));
    open = [];
    tokens = 0;
  };
  for (const line of body.flatMap((row) => fitting(row, room))) {
    const own = countTokens(line);
    if (tokens + own > room) close();
    open.push(line);
    tokens += own;
  }
  close();
  return texts;
}

function fitting(line: string, max: number): string[] {
  return countTokens(line) <= max ? [line] : sentencesOf(line, max).map((sentence) => sentence.text);
}
