/** Checks as a table for people: what is required, what was found, the verdict; then what to do. */
import { type Check, standsInTheWay } from '../shared/bundle/check.js';

/** Longest cell, characters: what a folder says of itself may be of any length. */
const maxCell = 120;

const words: Record<Check['verdict'], string> = {
  ok: 'ok',
  missing: 'MISSING',
  broken: 'BROKEN',
  note: 'for you to judge',
};

export function checkTable(checks: readonly Check[]): string {
  const rows = [
    ['', 'required', 'found', 'verdict'],
    ...checks.map(({ subject, required, found, verdict }) => [subject, required, found, words[verdict]]),
  ].map((row) => row.map(cellText));
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const remedies = checks
    .filter(standsInTheWay)
    .map(({ subject, remedy }) => `${subject}: ${plain(remedy ?? 'Take another model.')}`);
  return [...lines, ...(remedies.length > 0 ? ['', ...remedies] : []), ''].join('\n');
}

function cellText(text: string): string {
  const flat = plain(text);
  return flat.length <= maxCell ? flat : `${flat.slice(0, maxCell - 1)}…`;
}

/** Others' words without line breaks and what steers a terminal. */
function plain(text: string): string {
  return text.replace(/[\p{C}\s]+/gu, ' ').trim();
}
