/**
 * Routes that change something ask for the administrator's key: `Authorization: Bearer KEY`, with HAETAE_ADMIN_KEY.
 *
 * `app.post(path, { schema: { …, ...adminOnly }, onRequest: requireAdminKey(config) }, …)`: as `onRequest` it is asked
 * for before the body is read. Its errors are `...problems('UNAUTHORIZED', 'FORBIDDEN', …)`.
 */
import type { FastifyRequest } from 'fastify';
import { HaetaeError } from '../../shared/errors.js';
import type { Config } from '../config.js';

/** What of a route's schema says that it takes the key. */
export const adminOnly = { security: [{ adminKey: [] }] };

export const adminKeyScheme = {
  type: 'http',
  scheme: 'bearer',
  description: 'The value of HAETAE_ADMIN_KEY',
} as const;

interface HeaderTaker {
  header(name: string, value: string): unknown;
}

/**
 * A hook (`onRequest` or `preHandler`) that lets only requests with the key pass.
 * @throws HaetaeError FORBIDDEN where the server has no key; UNAUTHORIZED where the request has not the server's
 */
export function requireAdminKey({
  adminKey,
}: Pick<Config, 'adminKey'>): (
  request: Pick<FastifyRequest, 'headers'>,
  reply: HeaderTaker,
) => Promise<void> {
  return async ({ headers }, reply) => {
    if (adminKey === undefined) {
      throw new HaetaeError(
        'FORBIDDEN',
        'This server takes no changes over HTTP, because it has no administrator key. ' +
          'Set HAETAE_ADMIN_KEY (16 characters or more) and start it again.',
      );
    }
    const [, given] = /^bearer +(\S+) *$/iu.exec(headers.authorization ?? '') ?? [];
    if (given !== undefined && adminKey.matches(given)) return;
    reply.header('www-authenticate', 'Bearer');
    throw new HaetaeError(
      'UNAUTHORIZED',
      `${given === undefined ? 'The request carries no key' : "The key is not this server's"}. ` +
        'Send the header "Authorization: Bearer KEY" with the key that the server was started with.',
    );
  };
}
