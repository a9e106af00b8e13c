/** Dates of the command line: what is none is wrong usage, which commander reports. */
import { InvalidArgumentError } from 'commander';

/** Reads a day, YYYY-MM-DD. */
export function dateOption(text: string): string {
  const day = new Date(`${text}T00:00:00Z`);
  // 31 February is read as 3 March.
  if (/^\d{4}-\d{2}-\d{2}$/u.test(text) && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text))
    return text;
  throw new InvalidArgumentError('It must be a day, YYYY-MM-DD.');
}
