/**
 * How long to wait before a request is sent again.
 *
 * Back-off with full jitter: random() · min(60 s, 1 s · 2^attempt), so that those who failed together do not come back
 * together (Brooker, "Exponential Backoff And Jitter", 2015). What the server asks for comes first: `Retry-After`
 * (RFC 9110 §10.2.3: seconds, or a date), `retry-after-ms`, else when the limit that is used up is reset
 * (`x-ratelimit-reset-requests: 6m0s`, `ratelimit-reset: 12`). More than five minutes is not believed.
 */
const baseMs = 1_000;
const longestBackOffMs = 60_000;
export const longestRetryAfterMs = 300_000;

/** @param attempt that failed, from 0 */
export function backOffMs(attempt: number, random: () => number): number {
  return random() * Math.min(longestBackOffMs, baseMs * 2 ** attempt);
}

/** @param nowMs since 1970; read where the response has no date of its own. Null: the server says nothing. */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const ms = number(headers.get('retry-after-ms'));
  const asked = ms ?? retryAfter(headers, nowMs) ?? rateLimitReset(headers, nowMs);
  return asked === null || asked < 0 ? null : Math.min(asked, longestRetryAfterMs);
}

function retryAfter(headers: Headers, nowMs: number): number | null {
  const value = headers.get('retry-after');
  if (value === null) return null;
  const seconds = number(value);
  if (seconds !== null) return seconds * 1000;
  // JavaScript takes nearly anything for a date; those of HTTP name the month.
  const date = /[a-z]{3}/iu.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(date)) return null;
  // By the server's own clock, where it tells the time: ours may be wrong.
  const served = Date.parse(headers.get('date') ?? '');
  return Math.max(0, date - (Number.isNaN(served) ? nowMs : served));
}

/** Of the limits that are used up, the one that is reset last. */
function rateLimitReset(headers: Headers, nowMs: number): number | null {
  const waits: number[] = [];
  for (const prefix of ['x-ratelimit', 'ratelimit']) {
    for (const limit of ['', '-requests', '-tokens']) {
      if (number(headers.get(`${prefix}-remaining${limit}`)) !== 0) continue;
      const wait = duration(headers.get(`${prefix}-reset${limit}`), nowMs);
      if (wait !== null) waits.push(wait);
    }
  }
  return waits.length === 0 ? null : Math.max(...waits);
}

const durationParts = /^(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/u;
/** Greater numbers are times, not durations. */
const leastEpochSeconds = 1_000_000_000;

/** `6m0s`, `20ms`, `1.5` (seconds), or the time of the reset in seconds or milliseconds since 1970. */
function duration(value: string | null, nowMs: number): number | null {
  const plain = number(value);
  if (plain !== null) {
    if (plain < leastEpochSeconds) return plain * 1000;
    return Math.max(0, (plain < leastEpochSeconds * 1000 ? plain * 1000 : plain) - nowMs);
  }
  const parts = value === null || value.trim() === '' ? null : durationParts.exec(value.trim());
  if (!parts) return null;
  const [hours, minutes, seconds, ms] = parts.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
}

/** A plain decimal; null for anything else. */
function number(value: string | null): number | null {
  return value !== null && /^\s*\d{1,15}(?:\.\d{1,9})?\s*$/u.test(value) ? Number(value) : null;
}
