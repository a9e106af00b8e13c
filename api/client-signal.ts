/** A signal that aborts when the client goes away before its answer is complete. */
import type { FastifyReply } from 'fastify';
import { HaetaeError } from '../shared/errors.js';

export function clientSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) {
      controller.abort(
        new HaetaeError('CANCELLED', 'The client closed the connection before the answer was complete.'),
      );
    }
  });
  return controller.signal;
}
