/**
 * Server-sent events (WHATWG HTML §9.2) as the body of a reply.
 *
 * Headers are sent with the first event, so that what fails before it is an ordinary error reply. A comment is
 * sent whenever nothing else was for a while, so that proxies keep the connection. A reader who takes nothing
 * for long is cut off.
 */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Clock } from '../shared/clock.js';

export const eventStreamMediaType = 'text/event-stream';

const keepAliveMs = 15_000;
/** A reader who takes nothing for this long has gone, whatever his end of the connection says. */
const stalledReaderMs = 60_000;

/** One event; `data` is sent as one line of JSON, or as it is if it is a text without line breaks. */
export function eventFrame(data: object | string, event?: string): string {
  const line = typeof data === 'string' ? data : JSON.stringify(data);
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${line}\n\n`;
}

export interface EventStreamOptions {
  clock: Clock;
  /** The event that tells of a failure after the headers. */
  lastFrame: (error: unknown) => string;
}

/** Replies with `frames`. Rejects with what they throw before the first. */
export async function replyWithEvents(
  reply: FastifyReply,
  frames: AsyncGenerator<string, void, undefined>,
  { clock, lastFrame }: EventStreamOptions,
): Promise<FastifyReply> {
  const first = frames.next();
  first.catch(() => undefined);
  const isSilent = (await unlessLate(first, clock)) === undefined;
  reply.raw.setTimeout(stalledReaderMs, () => reply.raw.destroy());
  return reply
    .header('content-type', `${eventStreamMediaType}; charset=utf-8`)
    .header('cache-control', 'no-cache, no-transform')
    .header('x-accel-buffering', 'no')
    .send(Readable.from(withComments(isSilent ? comment : '', first, frames, clock, lastFrame)));
}

const comment = ': keep-alive\n\n';

async function* withComments(
  opening: string,
  first: Promise<IteratorResult<string, void>>,
  frames: AsyncGenerator<string, void, undefined>,
  clock: Clock,
  lastFrame: (error: unknown) => string,
): AsyncGenerator<string, void, undefined> {
  let next = first;
  try {
    if (opening !== '') yield opening;
    for (;;) {
      const result = await unlessLate(next, clock);
      if (result === undefined) {
        yield comment;
      } else {
        if (result.done) return;
        yield result.value;
        next = frames.next();
        next.catch(() => undefined); // nobody waits for it where the reader leaves at a comment
      }
    }
  } catch (error) {
    yield lastFrame(error);
  } finally {
    await frames.return();
  }
}

/** What `promise` resolves to, or undefined if that takes too long for a silent connection. */
async function unlessLate<T>(promise: Promise<T>, clock: Clock): Promise<T | undefined> {
  let cancel = (): void => undefined;
  const late = new Promise<undefined>((resolve) => {
    cancel = clock.after(keepAliveMs, () => resolve(undefined));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    cancel();
  }
}
