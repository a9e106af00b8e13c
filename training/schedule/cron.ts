/**
 * Cron expressions of five fields, as crontab(5) has them: minute, hour, day of the month, month, day of the week
 * (0 and 7 are Sunday). Lists, ranges, steps, and English names of months and days. Where both kinds of day are given,
 * either is enough.
 */
import { timeOfWall, wallTimeAt } from './zoned-time.js';

export interface Cron {
  minutes: readonly number[];
  hours: readonly number[];
  days: ReadonlySet<number>;
  months: ReadonlySet<number>;
  weekdays: ReadonlySet<number>;
  /** Both kinds of day are restricted. */
  eitherDay: boolean;
}

interface Field {
  name: string;
  least: number;
  most: number;
  names?: readonly string[];
}

const fields: readonly Field[] = [
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  { name: 'day of the month', least: 1, most: 31 },
  {
    ...{ name: 'month', least: 1, most: 12 },
    names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  {
    ...{ name: 'day of the week', least: 0, most: 7 },
    names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
  },
];

/** The expression, or what is wrong with it, as words that follow it. */
export function parseCron(text: string): Cron | string {
  const words = text.trim().split(/\s+/u);
  if (words.length !== fields.length) {
    return `has ${words.length} fields, allowed are 5: minute, hour, day of the month, month, day of the week`;
  }
  const values: number[][] = [];
  for (const [i, field] of fields.entries()) {
    const value = parseField(words[i] as string, field);
    if (typeof value === 'string') return value;
    values.push(value);
  }
  const [minutes, hours, days, months, weekdays] = values as [
    number[],
    number[],
    number[],
    number[],
    number[],
  ];
  const cron = {
    ...{ minutes, hours, days: new Set(days), months: new Set(months) },
    weekdays: new Set(weekdays.map((day) => day % 7)),
    eitherDay: !words[2]!.startsWith('*') && !words[4]!.startsWith('*'),
  };
  if (nextTime(cron, 'UTC', new Date(Date.UTC(2024, 0, 1))) === null) {
    return 'never comes: no month of it has such a day';
  }
  return cron;
}

function parseField(text: string, { name, least, most, names = [] }: Field): number[] | string {
  const numberOf = (word: string): number => {
    const named = names.indexOf(word.toLowerCase());
    if (named !== -1) return named + least;
    return /^\d{1,2}$/u.test(word) ? Number(word) : Number.NaN;
  };
  const found = new Set<number>();
  for (const item of text.split(',')) {
    const [, range = '', step] = /^([^/]+)(?:\/([1-9]\d?))?$/u.exec(item) ?? [];
    const [from = '', to] = range === '*' ? [String(least), String(most)] : range.split('-');
    const first = numberOf(from);
    const last = to === undefined ? (step === undefined ? first : most) : numberOf(to);
    const fits = first >= least && last <= most && first <= last && range.split('-').length <= 2;
    if (!fits) {
      const words = names.length === 0 ? '' : ` or ${names[0]} to ${names.at(-1)}`;
      return `has ${JSON.stringify(item)} as ${name}, allowed is *, or ${least} to ${most}${words}, with ranges (1-5), steps (*/2) and lists (1,3)`;
    }
    for (let value = first; value <= last; value += Number(step ?? 1)) found.add(value);
  }
  return [...found].sort((a, b) => a - b);
}

/** Of a leap day, at most eight years lie between two. */
const mostDays = 8 * 366 + 1;

/** The first time after `after`; null where none comes. */
export function nextTime(cron: Cron, timeZone: string, after: Date): Date | null {
  const start = wallTimeAt(after, timeZone);
  for (let i = 0; i < mostDays; i++) {
    const date = new Date(Date.UTC(start.year, start.month - 1, start.day + i));
    if (!isDay(cron, date)) continue;
    const day = {
      ...{ year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() },
    };
    for (const hour of cron.hours) {
      if (i === 0 && hour < start.hour - 1) continue;
      for (const minute of cron.minutes) {
        const time = timeOfWall({ ...day, hour, minute }, timeZone);
        if (time > after) return time;
      }
    }
  }
  return null;
}

/** The next `count` times. */
export function nextTimes(cron: Cron, timeZone: string, after: Date, count: number): Date[] {
  const times: Date[] = [];
  for (let time = nextTime(cron, timeZone, after); time !== null && times.length < count; ) {
    times.push(time);
    time = nextTime(cron, timeZone, time);
  }
  return times;
}

function isDay({ days, months, weekdays, eitherDay }: Cron, date: Date): boolean {
  if (!months.has(date.getUTCMonth() + 1)) return false;
  const inMonth = days.has(date.getUTCDate());
  const inWeek = weekdays.has(date.getUTCDay());
  return eitherDay ? inMonth || inWeek : inMonth && inWeek;
}
