/** The parts that sections of a report are made of. Every text that comes in is escaped; only `markup` is taken as it is. */
import { escapeHtml } from '../run/escape-html.js';
import type { FactTable } from '../run/report-page.js';

/** Rows of two cells; '' for none. */
export function facts(rows: FactTable): string {
  const cells = rows.map(
    ([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  return cells.length === 0 ? '' : `<table class="facts"><tbody>${cells.join('')}</tbody></table>`;
}

export interface Cell {
  text: string;
  kind: 'text' | 'number' | 'code' | 'good' | 'bad';
}

/** A table with a head; it scrolls sideways where the page is too narrow. '' for no rows. */
export function dataTable(head: readonly string[], rows: readonly (readonly (string | Cell)[])[]): string {
  if (rows.length === 0) return '';
  const body = rows.map((row) => `<tr>${row.map(cellMarkup).join('')}</tr>`);
  const isNumber = (cell: string | Cell | undefined) => typeof cell === 'object' && cell.kind === 'number';
  const names = head.map(
    (name, i) =>
      `<th scope="col"${rows.every((row) => isNumber(row[i])) ? ' class="number"' : ''}>${escapeHtml(name)}</th>`,
  );
  return (
    `<div class="wide"><table class="data"><thead><tr>${names.join('')}</tr></thead>` +
    `<tbody>${body.join('')}</tbody></table></div>`
  );
}

/** Letters from which on code is broken wherever a line ends: a checksum has no words. */
const longCode = 40;

function cellMarkup(cell: string | Cell): string {
  const { text, kind } = typeof cell === 'string' ? { text: cell, kind: 'text' } : cell;
  if (kind === 'code')
    return `<td><code${text.length > longCode ? ' class="long"' : ''}>${escapeHtml(text)}</code></td>`;
  return `<td${kind === 'text' ? '' : ` class="${kind}"`}>${escapeHtml(text)}</td>`;
}

/** What is not there, or not as expected, in a sentence. */
export function notice(text: string): string {
  return `<p class="notice">${escapeHtml(text)}</p>`;
}

export function paragraph(text: string, kind: 'good' | 'bad' | 'plain' = 'plain'): string {
  return `<p${kind === 'plain' ? '' : ` class="${kind}"`}>${escapeHtml(text)}</p>`;
}

export function heading(text: string): string {
  return `<h3>${escapeHtml(text)}</h3>`;
}

/** Charts side by side as the page is wide; empty ones are left out. */
export function charts(...markup: readonly string[]): string {
  const drawn = markup.filter((chart) => chart !== '');
  return drawn.length === 0 ? '' : `<div class="charts">${drawn.join('')}</div>`;
}

export function commands(lines: readonly string[]): string {
  return `<pre class="command">${lines.map(escapeHtml).join('\n')}</pre>`;
}

/** First of many rows, and a sentence about the rest. */
export function firstOf<T>(rows: readonly T[], most: number): { shown: readonly T[]; rest: string } {
  const left = rows.length - most;
  return {
    shown: rows.slice(0, most),
    rest: left > 0 ? notice(`and ${left.toLocaleString('en-US')} more`) : '',
  };
}

export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** The names of what was counted, most first. */
export function byCount(counts: Readonly<Record<string, number>>): [name: string, count: number][] {
  return Object.entries(counts).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}
