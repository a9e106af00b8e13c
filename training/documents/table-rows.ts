/**
 * Tables among printed lines: at least three consecutive lines with two or more cells whose columns line up.
 *
 * A cell that wraps prints a line with fewer cells; a line whose first cell stands in a later column continues
 * the row above, cell by cell.
 */
import type { VisualLine } from './visual-line.js';

export type Stretch = { kind: 'text'; lines: VisualLine[] } | { kind: 'table'; rows: string[][] };

/** Left edges of one column differ by less than this, points. */
const sameColumn = 6;
const leastRows = 3;

/** Splits lines into stretches of running text and of tables, in order. */
export function tableRows(lines: readonly VisualLine[]): Stretch[] {
  const stretches: Stretch[] = [];
  const text = (line: VisualLine) => {
    const last = stretches.at(-1);
    if (last?.kind === 'text') last.lines.push(line);
    else stretches.push({ kind: 'text', lines: [line] });
  };
  let i = 0;
  while (i < lines.length) {
    const end = endOfTable(lines, i);
    if (end - i >= leastRows) {
      stretches.push({ kind: 'table', rows: rowsOf(lines.slice(i, end)) });
      i = end;
    } else text(lines[i++]!);
  }
  return stretches;
}

function endOfTable(lines: readonly VisualLine[], start: number): number {
  const first = lines[start]!;
  if (first.cells.length < 2) return start;
  const columns = first.cells.map((cell) => cell.x);
  let end = start + 1;
  for (; end < lines.length; end++) {
    const line = lines[end]!;
    if (line.page !== first.page && line.cells.length < 2) break;
    const aligned = line.cells.filter((cell) =>
      columns.some((x) => Math.abs(x - cell.x) < sameColumn),
    ).length;
    const continuesCell =
      line.cells.length === 1 && aligned === 1 && Math.abs(line.x - columns[0]!) >= sameColumn;
    if (line.cells.length >= 2 ? aligned < 2 : !continuesCell) break;
    for (const cell of line.cells)
      if (!columns.some((x) => Math.abs(x - cell.x) < sameColumn)) columns.push(cell.x);
  }
  const full = lines.slice(start, end).filter((line) => line.cells.length >= 2).length;
  return full >= leastRows ? end : start;
}

function rowsOf(lines: readonly VisualLine[]): string[][] {
  const columns: number[] = [];
  for (const line of lines)
    for (const cell of line.cells)
      if (!columns.some((x) => Math.abs(x - cell.x) < sameColumn)) columns.push(cell.x);
  columns.sort((a, b) => a - b);
  const rows: string[][] = [];
  for (const line of lines) {
    const cells = columns.map(() => '');
    for (const cell of line.cells) {
      const column = columns.findIndex((x) => Math.abs(x - cell.x) < sameColumn);
      cells[column] = cells[column] ? `${cells[column]} ${cell.text}` : cell.text;
    }
    const above = rows.at(-1);
    if (above && cells[0] === '')
      for (const [c, cell] of cells.entries()) above[c] = `${above[c] ?? ''} ${cell}`.trim();
    else rows.push(cells);
  }
  return rows;
}
