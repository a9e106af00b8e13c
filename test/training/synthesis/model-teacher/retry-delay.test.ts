import t from 'tap';
import { seededRandom } from '../../../../shared/random.js';
import {
  backOffMs,
  longestRetryAfterMs,
  retryAfterMs,
} from '../../../../training/synthesis/model-teacher/retry-delay.js';

t.test('back-off is anywhere below a bound that doubles to a minute', async (t) => {
  const most = (attempt: number) => backOffMs(attempt, () => 1);
  t.same([0, 1, 2, 5, 6, 30].map(most), [1_000, 2_000, 4_000, 32_000, 60_000, 60_000]);
  t.equal(
    backOffMs(3, () => 0),
    0,
  );
  const random = seededRandom(1);
  const delays = Array.from({ length: 1_000 }, () => backOffMs(3, random));
  t.ok(Math.min(...delays) < 100 && Math.max(...delays) > 7_900, 'spread over all of it');
});

const now = Date.UTC(2026, 0, 2, 3, 4, 5);
const cases: [what: string, headers: Record<string, string>, ms: number | null][] = [
  ['nothing', {}, null],
  ['seconds', { 'retry-after': '7' }, 7_000],
  ['a fraction', { 'retry-after': '0.5' }, 500],
  ['now', { 'retry-after': '0' }, 0],
  ['milliseconds, where both are there', { 'retry-after': '2', 'retry-after-ms': '1500' }, 1_500],
  ['a date', { 'retry-after': 'Fri, 02 Jan 2026 03:04:35 GMT' }, 30_000],
  [
    "a date, by the server's own clock",
    { 'retry-after': 'Fri, 02 Jan 2026 13:00:10 GMT', date: 'Fri, 02 Jan 2026 13:00:00 GMT' },
    10_000,
  ],
  ['a date that has passed', { 'retry-after': 'Fri, 02 Jan 2026 03:00:00 GMT' }, 0],
  ['an absurd time', { 'retry-after': '86400' }, longestRetryAfterMs],
  ['an absurd date', { 'retry-after': 'Fri, 01 Jan 2100 00:00:00 GMT' }, longestRetryAfterMs],
  ['nonsense', { 'retry-after': 'soon' }, null],
  ['a negative', { 'retry-after': '-5' }, null],
  ['an endless number', { 'retry-after': '9'.repeat(400) }, null],
  [
    'the reset of a limit',
    { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1m2s' },
    62_000,
  ],
  ['the reset of tokens', { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '20ms' }, 20],
  [
    'hours',
    { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '1h0m0s' },
    longestRetryAfterMs,
  ],
  [
    'the later reset of two that are used up',
    {
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '6s',
    },
    6_000,
  ],
  [
    'a limit that is not used up',
    { 'x-ratelimit-remaining-requests': '5', 'x-ratelimit-reset-requests': '9s' },
    null,
  ],
  ['plain seconds', { 'ratelimit-remaining': '0', 'ratelimit-reset': '12' }, 12_000],
  [
    'seconds since 1970',
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now / 1000 + 4) },
    4_000,
  ],
  [
    'milliseconds since 1970',
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now + 4_000) },
    4_000,
  ],
  ['a reset that is nonsense', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': 'later' }, null],
  ['an empty reset', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '' }, null],
];

for (const [what, headers, ms] of cases) {
  t.test(`reads ${what}`, async (t) => {
    t.equal(retryAfterMs(new Headers(headers), now), ms);
  });
}
