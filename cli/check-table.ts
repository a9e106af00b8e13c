/** Checks as a table for people: what is required, what was found, the verdict; then what to do. */
import { type Check, standsInTheWay } from '../shared/bundle/check.js';

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
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const remedies = checks
    .filter(standsInTheWay)
    .map(({ subject, remedy }) => `${subject}: ${remedy ?? 'Change the model.'}`);
  return [...lines, ...(remedies.length > 0 ? ['', ...remedies] : []), ''].join('\n');
}
