/**
 * Tells a webhook how a job has ended: a POST with JSON. It is tried again after faults that may pass (no connection,
 * no reply in time, 408, 429, 5xx); what cannot be delivered is only logged.
 *
 * With a secret, `x-haetae-signature: sha256=HEX` is the HMAC-SHA256 (RFC 2104) of the body's bytes. Redirects are not
 * followed: they would carry secrets to another host.
 */
import { createHmac } from 'node:crypto';
import type { Clock } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';
import type { HistoryEntry } from './history.js';
import { pause } from './pause.js';
import type { WebhookEvent } from './schedule-config.js';
import type { ScheduledWebhook } from './scheduled-job.js';

export interface WebhookBody {
  event: `training.${WebhookEvent}`;
  job: string;
  runId: string | null;
  status: HistoryEntry['status'];
  attempts: number;
  dueAt: string;
  durationMs: number | null;
  outcome: string | null;
  bundleId: string | null;
  error?: string;
  sentAt: string;
}

export interface WebhookDeps {
  clock: Clock;
  now: () => Date;
  log: (line: string) => void;
  /** The schedule stops: what is being sent is sent, and not tried again. */
  signal: AbortSignal;
  fetch?: typeof globalThis.fetch;
}

const timeoutMs = 10_000;
const retryDelaysMs = [1_000, 5_000, 25_000];

/** Whether it was delivered, or there was nothing to tell. Never rejects. */
export async function tellWebhook(
  webhook: ScheduledWebhook,
  entry: HistoryEntry,
  deps: WebhookDeps,
): Promise<boolean> {
  const event = webhook.on.find((each) => each === entry.status);
  if (event === undefined) return true;
  const { signal, clock, log } = deps;
  for (let attempt = 0; ; attempt++) {
    const fault = await post(webhook, bodyOf(entry, event, deps.now()), deps);
    if (fault === null) return true;
    const delay = retryDelaysMs[attempt];
    const last = !fault.mayPass || delay === undefined || signal.aborted;
    // The query and the path of the URL may hold a secret.
    const where = `webhook of ${entry.job} at ${new URL(webhook.url).host}`;
    log(`${where}: ${fault.message}${last ? '; given up' : `; again in ${delay / 1_000} s`}`);
    if (last) return false;
    await pause(clock, delay, signal);
  }
}

function bodyOf(entry: HistoryEntry, event: WebhookEvent, now: Date): WebhookBody {
  const { job, runId, status, attempts, dueAt, durationMs, outcome, bundleId, error } = entry;
  return {
    event: `training.${event}`,
    ...{ job, runId, status, attempts, dueAt, durationMs, outcome, bundleId },
    ...(error === null ? {} : { error }),
    sentAt: now.toISOString(),
  };
}

interface Fault {
  message: string;
  mayPass: boolean;
}

async function post(
  { url, headers, secret }: ScheduledWebhook,
  content: WebhookBody,
  { clock, fetch = globalThis.fetch }: WebhookDeps,
): Promise<Fault | null> {
  const body = JSON.stringify(content);
  const deadline = new AbortController();
  const cancel = clock.after(timeoutMs, () =>
    deadline.abort(new Error(`no reply in ${timeoutMs / 1_000} s`)),
  );
  const signature =
    secret === null
      ? {}
      : { 'x-haetae-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` };
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'user-agent': 'haetae', ...signature },
      body,
      redirect: 'manual',
      signal: deadline.signal,
    });
    await response.body?.cancel();
    if (response.ok) return null;
    const { status } = response;
    return { message: `answered ${status}`, mayPass: status >= 500 || status === 408 || status === 429 };
  } catch (error) {
    const reason = deadline.signal.aborted ? deadline.signal.reason : causeOf(error);
    return { message: messageOf(reason), mayPass: true };
  } finally {
    cancel();
  }
}

/** `fetch failed` says nothing; what it was caused by does. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}
