/**
 * JSON bodies: strict UTF-8 (a byte-order mark is allowed), no `__proto__` or `constructor.prototype` keys.
 * Every other media type is 415 unless a route's own scope adds a parser for it.
 */
import type { App } from '../app.js';
import { HaetaeError } from '../../shared/errors.js';

/** Largest JSON body of a route that takes many texts, or long ones, bytes. */
export const textsBodyLimitBytes = 4 * 1024 * 1024;

const refusal =
  'The body is not valid JSON, or has a key `__proto__` or `constructor.prototype`. Send one JSON object.';

export function addJsonBody(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    /^application\/(?:[\w.-]+\+)?json$/u,
    { parseAs: 'buffer' },
    (request, body, done) => {
      let text: string;
      try {
        text = new TextDecoder('utf-8', { fatal: true }).decode(body as Buffer);
      } catch {
        done(new HaetaeError('REQUEST_INVALID', 'The body is not valid UTF-8. Send JSON in UTF-8.'));
        return;
      }
      void parse(request, text, (error, value) => {
        if (error === null || error === undefined) done(null, value);
        else done(new HaetaeError('REQUEST_INVALID', refusal, {}, { cause: error }));
      });
    },
  );
}
