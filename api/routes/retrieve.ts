/** `POST /retrieve`: passages for a query, with the score of every stage. */
import Type from 'typebox';
import { RetrieveOptions } from '../../shared/retrieval/retriever.js';
import type { App, Services } from '../app.js';
import { cacheHeader } from '../schemas/cache-header.js';
import { clientSignal } from '../client-signal.js';
import { problems, ref } from '../schemas/components.js';

const schema = {
  tags: ['questions'],
  summary: 'Retrieve passages',
  body: Type.Object(
    { query: Type.String({ examples: ['전자금융거래 안전성 확보의무'] }), ...RetrieveOptions.properties },
    { additionalProperties: false },
  ),
  response: {
    200: { ...ref('Retrieval'), description: 'Passages, best first', headers: cacheHeader },
    ...problems(
      'QUESTION_EMPTY',
      'REQUEST_INVALID',
      'RETRIEVAL_PARAMETER',
      'QUESTION_TOO_LONG',
      'REQUEST_TOO_LARGE',
      'UNSUPPORTED_MEDIA_TYPE',
      'ENGINE_UNAVAILABLE',
      'ENGINE_CRASHED',
      'ENGINE_BUSY',
      'ENGINE_TIMEOUT',
    ),
  },
};

export function addRetrieve(app: App, { answers }: Services): void {
  app.post('/retrieve', { schema }, async (request, reply) => {
    const { query, ...options } = request.body;
    const { value, outcome } = await answers.serveRetrieval(query, options, clientSignal(reply));
    reply.header('x-haetae-cache', outcome);
    return value;
  });
}
