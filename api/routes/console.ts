/**
 * `GET /`: the built-in page, one self-contained file. Its content security policy names the hash of its own
 * script, so nothing else runs, whatever a document or an answer contains.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { App, Services } from '../app.js';

export async function addConsole(app: App, services: Services): Promise<void> {
  const page = await readFile(join(services.package.root, 'api', 'console', 'index.html'), 'utf8');
  const hashes = [...page.matchAll(/<(script|style)>([\s\S]*?)<\/\1>/gu)].map(
    ([, tag, body]) => [tag, `'sha256-${createHash('sha256').update(body!).digest('base64')}'`] as const,
  );
  const of = (tag: string) => hashes.filter(([name]) => name === tag).map(([, hash]) => hash);
  const policy = [
    "default-src 'none'",
    `script-src ${of('script').join(' ')}`,
    `style-src ${of('style').join(' ')}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

  app.get('/', { schema: { hide: true } }, async (_, reply) =>
    reply
      .header('content-security-policy', policy)
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
      .type('text/html; charset=utf-8')
      .send(page),
  );
}
