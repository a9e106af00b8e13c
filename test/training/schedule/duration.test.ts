import t from 'tap';
import { durationMs, parseDuration } from '../../../training/schedule/duration.js';

t.test('a length of time is a number with its unit, or milliseconds', async (t) => {
  const table: [string | number, number][] = [
    ['250ms', 250],
    ['90s', 90_000],
    [' 1.5 s ', 1_500],
    ['15m', 900_000],
    ['15 min', 900_000],
    ['6h', 21_600_000],
    ['7d', 604_800_000],
    [1_000, 1_000],
    [0, 0],
  ];
  for (const [text, ms] of table) t.equal(durationMs(text), ms, String(text));
});

t.test('what is none is none', async (t) => {
  for (const text of ['', '6', 'h', '6 hours', '-1s', '1e3s', '6hh', '1.2345s', -1, Number.NaN, Infinity]) {
    t.equal(parseDuration(text), undefined, String(text));
  }
  t.throws(() => durationMs('soon'), { code: 'CONFIG_INVALID', message: /"soon" is no length of time/u });
});
