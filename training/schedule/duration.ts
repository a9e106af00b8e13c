/** Lengths of time as people write them: `90s`, `15 m`, `6h`, `7d`, `250ms`; a number is milliseconds. */
import { HaetaeError } from '../../shared/errors.js';

const unitMs = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds; undefined where the text is no length of time. */
export function parseDuration(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined;
  const [, number, unit] = /^(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|min|h|d)$/u.exec(value.trim()) ?? [];
  if (number === undefined) return undefined;
  return Math.round(Number(number) * unitMs[unit as keyof typeof unitMs]);
}

/** For a value that was held to the schema before. @throws HaetaeError CONFIG_INVALID */
export function durationMs(value: string | number): number {
  const ms = parseDuration(value);
  if (ms !== undefined) return ms;
  throw new HaetaeError(
    'CONFIG_INVALID',
    `${JSON.stringify(value)} is no length of time like 90s, 15m or 6h.`,
  );
}
