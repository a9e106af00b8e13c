/** `POST /classify`: type, stem, choices, negation and domain of a question. Rules only; no engine is needed. */
import Type from 'typebox';
import { checkQuestion } from '../../shared/question/check-question.js';
import { classify } from '../../shared/question/classify.js';
import type { App } from '../app.js';
import { QuestionText } from '../schemas/question-text.js';
import { problems, ref } from '../schemas/components.js';

const schema = {
  tags: ['questions'],
  summary: 'Classify a question',
  body: Type.Object({ question: QuestionText }, { additionalProperties: false }),
  response: {
    200: { ...ref('Classification'), description: 'What the question is' },
    ...problems(
      'QUESTION_EMPTY',
      'REQUEST_INVALID',
      'QUESTION_TOO_LONG',
      'REQUEST_TOO_LARGE',
      'UNSUPPORTED_MEDIA_TYPE',
    ),
  },
};

export function addClassify(app: App): void {
  app.post('/classify', { schema }, async (request) => {
    checkQuestion(request.body.question);
    return classify(request.body.question);
  });
}
