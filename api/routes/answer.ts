/** `POST /answer`: one answer, with its evidence; by the fallback if the engine cannot give it in time. */
import Type from 'typebox';
import { AnswerOptions } from '../../shared/answering/answer.js';
import type { App, Services } from '../app.js';
import { clientSignal } from '../client-signal.js';
import { cacheHeader } from '../schemas/cache-header.js';
import { problems, ref } from '../schemas/components.js';
import { QuestionText } from '../schemas/question-text.js';

const schema = {
  tags: ['questions'],
  summary: 'Answer a question',
  description:
    'Answers within `options.deadlineMs` (default 30 s). If the engine cannot, the fallback does: the reply is ' +
    'still 200, with `usedFallback` true and the reason in `errorMessage`.',
  body: Type.Object(
    { question: QuestionText, options: Type.Optional(AnswerOptions) },
    { additionalProperties: false },
  ),
  response: {
    200: { ...ref('AnswerResult'), description: 'The answer', headers: cacheHeader },
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

export function addAnswer(app: App, { answers }: Services): void {
  app.post('/answer', { schema }, async (request, reply) => {
    const { question, options } = request.body;
    const { value, outcome } = await answers.serveAnswer(question, options, clientSignal(reply));
    reply.header('x-haetae-cache', outcome);
    return value;
  });
}
