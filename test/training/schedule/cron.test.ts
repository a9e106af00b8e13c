import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import { type Cron, nextTime, nextTimes, parseCron } from '../../../training/schedule/cron.js';
import { wallTimeAt } from '../../../training/schedule/zoned-time.js';

function cronOf(text: string): Cron {
  const cron = parseCron(text);
  if (typeof cron === 'string') throw new Error(`${text} ${cron}`);
  return cron;
}

const times = (text: string, timeZone: string, after: string, count = 3): string[] =>
  nextTimes(cronOf(text), timeZone, new Date(after), count).map((time) =>
    time.toISOString().replace(':00.000Z', 'Z'),
  );

t.test('the next times of an expression', async (t) => {
  const table: [string, string, string, string[]][] = [
    [
      '*/15 * * * *',
      'UTC',
      '2025-01-01T00:00:00Z',
      ['2025-01-01T00:15Z', '2025-01-01T00:30Z', '2025-01-01T00:45Z'],
    ],
    [
      '0 3 * * *',
      'Asia/Seoul',
      '2025-07-31T17:59:59Z',
      ['2025-07-31T18:00Z', '2025-08-01T18:00Z', '2025-08-02T18:00Z'],
    ],
    [
      '0 3 * * *',
      'UTC',
      '2025-12-31T03:00:00Z',
      ['2026-01-01T03:00Z', '2026-01-02T03:00Z', '2026-01-03T03:00Z'],
    ],
    [
      '30 8 * * mon-fri',
      'UTC',
      '2025-08-01T09:00:00Z',
      ['2025-08-04T08:30Z', '2025-08-05T08:30Z', '2025-08-06T08:30Z'],
    ],
    [
      '0 0 * * 7',
      'UTC',
      '2025-08-01T00:00:00Z',
      ['2025-08-03T00:00Z', '2025-08-10T00:00Z', '2025-08-17T00:00Z'],
    ],
    [
      '0 0 31 * *',
      'UTC',
      '2025-02-01T00:00:00Z',
      ['2025-03-31T00:00Z', '2025-05-31T00:00Z', '2025-07-31T00:00Z'],
    ],
    [
      '0 0 29 2 *',
      'UTC',
      '2096-03-01T00:00:00Z',
      ['2104-02-29T00:00Z', '2108-02-29T00:00Z', '2112-02-29T00:00Z'],
    ],
    [
      '0 0 13 * fri',
      'UTC',
      '2025-06-10T00:00:00Z',
      ['2025-06-13T00:00Z', '2025-06-20T00:00Z', '2025-06-27T00:00Z'],
    ],
    [
      '5,10-12 1 1 JAN,jul *',
      'UTC',
      '2025-01-01T01:11:00Z',
      ['2025-01-01T01:12Z', '2025-07-01T01:05Z', '2025-07-01T01:10Z'],
    ],
    [
      '0 20/2 1 1 *',
      'UTC',
      '2025-01-01T00:00:00Z',
      ['2025-01-01T20:00Z', '2025-01-01T22:00Z', '2026-01-01T20:00Z'],
    ],
  ];
  for (const [text, timeZone, after, expected] of table) {
    t.strictSame(times(text, timeZone, after), expected, `${text} in ${timeZone} after ${after}`);
  }
});

t.test(
  'summer time: an hour that is left out is made up for, one that comes twice counts once',
  async (t) => {
    const zone = 'America/New_York'; // 2025: 9 March 02:00 becomes 03:00, 2 November 02:00 becomes 01:00
    t.strictSame(times('30 2 * * *', zone, '2025-03-08T12:00:00Z'), [
      '2025-03-09T07:30Z',
      '2025-03-10T06:30Z',
      '2025-03-11T06:30Z',
    ]);
    t.strictSame(times('30 1 * * *', zone, '2025-11-01T12:00:00Z'), [
      '2025-11-02T05:30Z',
      '2025-11-03T06:30Z',
      '2025-11-04T06:30Z',
    ]);
    t.strictSame(times('0 9 * * *', zone, '2025-03-08T15:00:00Z', 2), [
      '2025-03-09T13:00Z',
      '2025-03-10T13:00Z',
    ]);
    t.strictSame(times('0 2,3 * * *', zone, '2025-03-09T00:00:00-05:00', 2), [
      '2025-03-09T07:00Z',
      '2025-03-10T06:00Z',
    ]);
  },
);

t.test('as looking at every minute, one after the other', async (t) => {
  const random = seededRandom(3);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const zones = ['UTC', 'Asia/Seoul', 'Asia/Kolkata', 'America/St_Johns', 'Pacific/Apia'];
  for (let round = 0; round < 40; round++) {
    const text = [
      pick(['*/20', '5', '0,59', '10-12']),
      pick(['*', '3', '*/6', '22-23']),
      pick(['*', '1', '*/2', '28-31']),
      pick(['*', '*', '7', 'feb']),
      pick(['*', '*', 'sun', '1-5']),
    ].join(' ');
    const zone = pick(zones);
    const cron = cronOf(text);
    const after = new Date(Date.UTC(2025, 6, 1) + Math.floor(random() * 20 * 1_440) * 60_000);
    const next = nextTime(cron, zone, after);
    for (let time = after.getTime() + 60_000; time < after.getTime() + 3 * 86_400_000; time += 60_000) {
      const wall = wallTimeAt(new Date(time), zone);
      const weekday = new Date(Date.UTC(wall.year, wall.month - 1, wall.day)).getUTCDay();
      const day = cron.days.has(wall.day);
      const inWeek = cron.weekdays.has(weekday);
      const fits =
        cron.minutes.includes(wall.minute) &&
        cron.hours.includes(wall.hour) &&
        cron.months.has(wall.month) &&
        (cron.eitherDay ? day || inWeek : day && inWeek);
      if (!fits) continue;
      t.equal(next?.getTime(), time, `${text} in ${zone} after ${after.toISOString()}`);
      break;
    }
  }
});

t.test('what is no expression is said by the field', async (t) => {
  const table: [string, RegExp][] = [
    ['', /^has 1 fields, allowed are 5/u],
    ['* * * *', /^has 4 fields/u],
    ['0 0 3 * * *', /^has 6 fields/u],
    ['@daily', /^has 1 fields/u],
    ['60 * * * *', /^has "60" as minute, allowed is \*, or 0 to 59/u],
    ['* 24 * * *', /"24" as hour/u],
    ['* * 0 * *', /"0" as day of the month/u],
    ['* * * 13 *', /"13" as month, .* or jan to dec/u],
    ['* * * * 8', /"8" as day of the week/u],
    ['5-1 * * * *', /"5-1" as minute/u],
    ['*/0 * * * *', /"\*\/0" as minute/u],
    ['1-2-3 * * * *', /"1-2-3" as minute/u],
    ['1,,2 * * * *', /"" as minute/u],
    ['x * * * *', /"x" as minute/u],
    ['* * L * *', /"L" as day of the month/u],
    ['0 0 30 2 *', /^never comes/u],
  ];
  for (const [text, message] of table) {
    const result = parseCron(text);
    t.match(typeof result === 'string' ? result : 'accepted', message, text);
  }
});
