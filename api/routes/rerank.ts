/**
 * `POST /rerank`: documents of the caller in the order of their use for a query.
 *
 * The request is that of the common rerank APIs (Cohere, Jina, vLLM), written in camelCase as everything here:
 * `topN`, `returnDocuments`, and `score` for their `relevance_score`; a document is its text.
 */
import { HaetaeError } from '../../shared/errors.js';
import { checkQuestion } from '../../shared/question/check-question.js';
import type { App, Services } from '../app.js';
import { clientSignal } from '../client-signal.js';
import { startDeadline } from '../deadline.js';
import { textsBodyLimitBytes } from '../plugins/json-body.js';
import { problems } from '../schemas/components.js';
import { maxDocuments, RerankBody, RerankReply } from '../schemas/rerank.js';
import { faultOf } from '../text-check.js';

const schema = {
  tags: ['questions'],
  summary: 'Order documents by their use for a query',
  description:
    'As the rerank APIs of Cohere, Jina and vLLM, in camelCase: `topN` and `returnDocuments` for their `top_n` and ' +
    '`return_documents`, `score` for `relevance_score`, and a document is its text. The student of the bundle ' +
    'scores; without one, how much of the query a document covers.',
  body: RerankBody,
  response: {
    200: { ...RerankReply, description: 'The documents, best first' },
    ...problems(
      'QUESTION_EMPTY',
      'REQUEST_INVALID',
      'LM_CONTEXT_EXCEEDED',
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

export function addRerank(app: App, { engine, clock, config }: Services): void {
  const options = {
    schema,
    bodyLimit: textsBodyLimitBytes,
    preValidation: async ({ body }: { body: unknown }) => refuseTooMany(body),
  };
  app.post('/rerank', options, async (request, reply) => {
    const { query, documents, topN = documents.length, returnDocuments = false } = request.body;
    checkQuestion(query);
    for (const [index, document] of documents.entries()) checkDocument(document, index);
    const deadline = startDeadline(clock, config.questionDeadlineMs, clientSignal(reply));
    try {
      const { scores, scoredBy, bundleId } = await engine.rerank({ query, documents }, deadline.signal);
      const results = scores
        .map((score, index) => ({
          index,
          score,
          ...(returnDocuments ? { document: documents[index]! } : {}),
        }))
        .sort((a, b) => b.score - a.score || a.index - b.index)
        .slice(0, topN);
      return { results, scoredBy, bundleId };
    } finally {
      deadline.end();
    }
  });
}

/** Said before the schema looks at each of them. */
function refuseTooMany(body: unknown): void {
  const { documents } = (body ?? {}) as { documents?: unknown };
  if (Array.isArray(documents) && documents.length > maxDocuments)
    throw invalid('/documents', `has ${documents.length} items; at most ${maxDocuments} are taken`);
}

function checkDocument(document: string, index: number): void {
  const fault = faultOf(document);
  if (fault !== undefined) throw invalid(`/documents/${index}`, fault);
}

function invalid(field: string, message: string): HaetaeError {
  return new HaetaeError('REQUEST_INVALID', `The request does not fit its schema: ${field} ${message}.`, {
    errors: [{ field, message }],
  });
}
