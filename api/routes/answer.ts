/**
 * `POST /answer`: one answer, with its evidence; by the fallback if the engine cannot give it in time. As JSON,
 * or as events while it is made (`Accept: text/event-stream`).
 */
import type { FastifyReply } from 'fastify';
import Type from 'typebox';
import { type AnswerEvent, AnswerOptions, type AnswerResult } from '../../shared/answering/answer.js';
import type { Served } from '../answer-service.js';
import type { App, Services } from '../app.js';
import { clientSignal } from '../client-signal.js';
import { streamOf } from '../engine/part-stream.js';
import { eventFrame, eventStreamMediaType, replyWithEvents } from '../event-stream.js';
import { negotiate } from '../negotiate.js';
import { problemFor } from '../plugins/error-replies.js';
import { cacheHeader } from '../schemas/cache-header.js';
import { problems, ref } from '../schemas/components.js';
import { QuestionText } from '../schemas/question-text.js';

const eventExample =
  'event: classification\ndata: {"questionType":"open","stem":"접근매체란?", …}\n\n' +
  'event: retrieval\ndata: {"passages":[{"chunkId":"…","title":"전자금융거래법","section":"제2조","score":0.97}]}\n\n' +
  'event: token\ndata: {"text":"접근매체는"}\n\n' +
  'event: answer\ndata: {"answer":"접근매체는 …","confidence":0.9, …}\n\n';

const schema = {
  tags: ['questions'],
  summary: 'Answer a question',
  description:
    'Answers within `options.deadlineMs` (default 30 s). If the engine cannot, the fallback does: the reply is ' +
    'still 200, with `usedFallback` true and the reason in `errorMessage`.\n\n' +
    'With `Accept: text/event-stream` the reply is a stream of events: `classification`, `retrieval` (the passages ' +
    'found), `token` (a piece of an open answer), `discard` (the tokens so far do not stand), and at the end ' +
    '`answer`, the same object that the JSON reply is, or `error`, a problem. An answer from the cache is its ' +
    '`answer` event alone.',
  body: Type.Object(
    { question: QuestionText, options: Type.Optional(AnswerOptions) },
    { additionalProperties: false },
  ),
  response: {
    200: {
      description: 'The answer; where `Accept` prefers it, as server-sent events while it is made',
      headers: cacheHeader,
      content: {
        'application/json': { schema: ref('AnswerResult') },
        [eventStreamMediaType]: { schema: { type: 'string', examples: [eventExample] } },
      },
    },
    ...problems(
      'QUESTION_EMPTY',
      'REQUEST_INVALID',
      'RETRIEVAL_PARAMETER',
      'QUESTION_TOO_LONG',
      'REQUEST_TOO_LARGE',
      'UNSUPPORTED_MEDIA_TYPE',
      'ENGINE_BUSY',
    ),
  },
};

/** What the reply can be; the first where a request has no preference, or only others. */
const mediaTypes = ['application/json', eventStreamMediaType] as const;

export function addAnswer(app: App, { answers, clock }: Services): void {
  app.post('/answer', { schema }, async (request, reply) => {
    const { question, options } = request.body;
    const signal = clientSignal(reply);
    reply.header('vary', 'accept');
    if (negotiate(request.headers.accept, mediaTypes) === eventStreamMediaType) {
      const parts = streamOf<AnswerPart>(
        async (onPart, cut) => {
          const served = await answers.serveAnswer(question, options, cut, onPart);
          onPart({ type: 'answer', ...served });
        },
        { signal },
      );
      const lastFrame = (error: unknown) => eventFrame(problemFor(error, request), 'error');
      return replyWithEvents(reply, framesOf(parts, reply), { clock, lastFrame });
    }
    const { value, outcome } = await answers.serveAnswer(question, options, signal);
    reply.header('x-haetae-cache', outcome);
    return value;
  });
}

type AnswerPart = AnswerEvent | ({ type: 'answer' } & Served<AnswerResult>);

/** An answer that was known has no events but the last one, so the header can still say so. */
async function* framesOf(
  parts: AsyncIterable<AnswerPart>,
  reply: FastifyReply,
): AsyncGenerator<string, void, undefined> {
  for await (const part of parts) {
    if (!reply.sent) reply.header('x-haetae-cache', part.type === 'answer' ? part.outcome : 'miss');
    if (part.type === 'answer') yield eventFrame(part.value, 'answer');
    else yield eventFrame(dataOf(part), part.type);
  }
}

function dataOf(event: AnswerEvent): object {
  switch (event.type) {
    case 'classification':
      return event.classification;
    case 'retrieval':
      return { passages: event.passages };
    case 'token':
      return { text: event.text };
    case 'discard':
      return { reason: event.reason };
  }
}
