/**
 * The answer file: `ID,Answer` as RFC 4180 writes cells, lines ended by LF, UTF-8.
 *
 * A byte-order mark is written unless the question file was UTF-8 without one: a file with a mark, or in
 * CP949 or UTF-16, came from a spreadsheet, and the spreadsheet needs the mark to show Hangul.
 */
import type { TextEncodingName } from '../text/decode-text.js';

/** The first line, with a byte-order mark where `encoding`, that of the question file, asks for one. */
export function submissionHeader(encoding: TextEncodingName): string {
  return `${encoding === 'utf-8' ? '' : '\uFEFF'}ID,Answer\n`;
}

/** A cell: quoted where a comma, a quote, a line break, or white space at an edge would be lost otherwise. */
export function csvCell(text: string): string {
  return /[",\r\n]|^\s|\s$/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line, with its line feed. */
export function submissionLine(row: { id: string; answer: string }): string {
  return `${csvCell(row.id)},${csvCell(row.answer)}\n`;
}
