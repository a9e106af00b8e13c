/** One request to a `/chat/completions` endpoint, and what came of it; whether to ask again is the caller's to say. */
import type { Clock } from '../../../shared/clock.js';
import { messageOf } from '../../../shared/errors.js';
import { type ChatReply, readChatReply, saidIn } from './chat-reply.js';
import { readBody } from './read-body.js';
import { retryAfterMs } from './retry-delay.js';

export type Outcome =
  | { kind: 'replied'; reply: ChatReply }
  | {
      kind: 'failed';
      reason: string;
      retryAfterMs: number | null;
      /** Whether the server may have done the work, and count it. */
      mayBePaid: boolean;
    }
  | {
      kind: 'refused';
      reason: string;
      status: number;
      /** Too long, or filtered: another prompt may do. */
      ofPrompt: boolean;
    };

export interface ServerAccess {
  url: string;
  apiKey: string | undefined;
  /** For the whole exchange, the body included. */
  timeoutMs: number;
  fetch: typeof globalThis.fetch;
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** The longest response that is read: more than any model writes. */
export const maxBodyBytes = 8 * 2 ** 20;
const maxErrorBytes = 64 * 2 ** 10;

/** Rejects with the signal's reason, and for no other. */
export async function askServer(access: ServerAccess, body: string, signal: AbortSignal): Promise<Outcome> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  let timedOut = false;
  const cancelTimer = access.clock.after(access.timeoutMs, () => {
    timedOut = true;
    controller.abort();
  });
  try {
    return await exchange(access, body, controller.signal);
  } catch (error) {
    signal.throwIfAborted();
    const reason = timedOut ? `no response within ${access.timeoutMs} ms` : connectionError(error);
    return { kind: 'failed', reason, retryAfterMs: null, mayBePaid: timedOut || !neverArrived(error) };
  } finally {
    cancelTimer();
    signal.removeEventListener('abort', onAbort);
  }
}

async function exchange(access: ServerAccess, body: string, signal: AbortSignal): Promise<Outcome> {
  const response = await access.fetch(access.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(access.apiKey === undefined ? {} : { authorization: `Bearer ${access.apiKey}` }),
    },
    body,
    // Elsewhere the key is nobody's business, and a POST would become a GET.
    redirect: 'manual',
    signal,
  });
  if (!response.ok) return notOk(response, access);
  const text = await readBody(response, maxBodyBytes);
  const reply = text === null ? `a body of more than ${maxBodyBytes} bytes` : readChatReply(text);
  return typeof reply === 'string'
    ? { kind: 'failed', reason: reply, retryAfterMs: null, mayBePaid: true }
    : { kind: 'replied', reply };
}

async function notOk(response: Response, { now }: ServerAccess): Promise<Outcome> {
  const { status, headers } = response;
  const text = (await readBody(response, maxErrorBytes)) ?? '';
  const said = saidIn(text);
  const location = headers.get('location');
  const reason = [
    `${status} ${response.statusText}`.trim(),
    ...(said === '' ? [] : [said]),
    ...(location === null ? [] : [`it points to ${saidIn(location)}`]),
  ].join(': ');
  const isTransient = [408, 409, 425, 429].includes(status) || status >= 500;
  if (isTransient && !isOutOfCredit(text)) {
    return { kind: 'failed', reason, retryAfterMs: retryAfterMs(headers, now()), mayBePaid: false };
  }
  return { kind: 'refused', reason, status, ofPrompt: isOfPrompt(status, text) };
}

/** 429 also says that an account is empty, which no waiting helps. */
function isOutOfCredit(body: string): boolean {
  return /insufficient_quota|billing_hard_limit|billing_not_active/u.test(body);
}

const promptRefusal =
  /context[ _-]?(?:length|window|size)|maximum (?:context|model|sequence|input) length|too (?:long|many tokens)|exceeds? .{0,40}(?:context|length|tokens)|content[ _-]?(?:filter|policy|management)|moderation|safety/iu;

function isOfPrompt(status: number, body: string): boolean {
  return status === 413 || ((status === 400 || status === 422) && promptRefusal.test(body));
}

function connectionError(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return `the connection failed (${codeOf(error) ?? messageOf(cause)})`;
}

/** Failures before anything was sent. */
function neverArrived(error: unknown): boolean {
  const codes = [
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'UND_ERR_CONNECT_TIMEOUT',
  ];
  return codes.includes(codeOf(error) ?? '');
}

/** `fetch` hides the system's error as the cause of its own; several addresses that all failed, as the first of many. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === 'string') return code;
  return codeOf(error instanceof AggregateError ? error.errors[0] : error.cause);
}
