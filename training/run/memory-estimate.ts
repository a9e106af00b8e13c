/** What a run will hold in memory, part by part, against what there is: said before the first step. */
import { HaetaeError } from '../../shared/errors.js';
import type { AvailableMemory } from './available-memory.js';

export interface MemoryPart {
  name: string;
  bytes: number;
}

export interface MemoryEstimate {
  parts: readonly MemoryPart[];
  bytes: number;
}

/** Only parts that take something. */
export function memoryEstimate(parts: readonly MemoryPart[]): MemoryEstimate {
  const taken = parts.filter(({ bytes }) => bytes > 0);
  return { parts: taken, bytes: taken.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** One line a part, the largest first, then the sum. */
export function memoryTable({ parts, bytes }: MemoryEstimate): string[] {
  const rows = [...parts].sort((a, b) => b.bytes - a.bytes);
  const width = Math.max(...rows.map(({ name }) => name.length), 'together'.length);
  return [...rows, { name: 'together', bytes }].map(
    (row) => `${row.name.padEnd(width)}  ${mebibytes(row.bytes).padStart(11)}`,
  );
}

/**
 * @throws HaetaeError TRAINING_MEMORY with the table where the estimate exceeds what is available and
 * `allowOvercommit` is not set
 */
export function refuseTooLarge(
  estimate: MemoryEstimate,
  available: AvailableMemory,
  allowOvercommit: boolean,
  warn: (line: string) => void,
): void {
  if (estimate.bytes <= available.bytes) return;
  const needed =
    `The run needs about ${mebibytes(estimate.bytes)}, and ${mebibytes(available.bytes)} are available ` +
    `(${available.limitedBy})`;
  if (allowOvercommit) {
    warn(`${needed}: memory.allowOvercommit lets it start, it may be killed`);
    return;
  }
  throw new HaetaeError(
    'TRAINING_MEMORY',
    `${needed}:\n  ${memoryTable(estimate).join('\n  ')}\nTake fewer data.rows (and more accumulate), a shorter ` +
      'data.length, LoRA or a smaller model; or start anyway with --set memory.allowOvercommit=true.',
    { parts: estimate.parts, bytes: estimate.bytes, available: available.bytes },
  );
}

export function mebibytes(bytes: number): string {
  const value = bytes / 2 ** 20;
  return `${value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US')} MiB`;
}
