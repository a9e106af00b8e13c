/**
 * Wall clocks of time zones (IANA names), by the data that Node brings.
 *
 * A wall time that a zone leaps over when summer begins is taken as the same distance after the leap (02:30 becomes
 * 03:30); one that comes twice when it ends is taken the first time.
 */

export interface WallTime {
  year: number;
  /** 1..12 */
  month: number;
  /** 1..31 */
  day: number;
  hour: number;
  minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

export function isTimeZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

export function systemTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** What the wall clock of `timeZone` shows at `time`. */
export function wallTimeAt(time: Date, timeZone: string): WallTime {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(time)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) as number;
  return {
    ...{ year: part('year'), month: part('month'), day: part('day') },
    ...{ hour: part('hour'), minute: part('minute') },
  };
}

/** When the wall clock of `timeZone` shows `wall`. */
export function timeOfWall(wall: WallTime, timeZone: string): Date {
  const asUtc = utcOf(wall);
  const offset = (time: number): number => utcOf(wallTimeAt(new Date(time), timeZone)) - time;
  // The offsets a day before and after are those on both sides of a change, if there is one. Where they differ, the
  // earlier offset belongs to what comes first, and puts a time that is leapt over behind the leap.
  const before = offset(asUtc - 86_400_000);
  const first = asUtc - before;
  if (offset(first) === before) return new Date(first);
  const second = asUtc - offset(asUtc + 86_400_000);
  return new Date(utcOf(wallTimeAt(new Date(second), timeZone)) === asUtc ? second : first);
}

function utcOf({ year, month, day, hour, minute }: WallTime): number {
  return Date.UTC(year, month - 1, day, hour, minute);
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23' },
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' },
  });
  formats.set(timeZone, format);
  return format;
}
