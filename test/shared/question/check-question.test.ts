import t from 'tap';
import { checkQuestion } from '../../../shared/question/check-question.js';

t.test('a question with text is let in up to the limit', async () => {
  checkQuestion('왜?');
  checkQuestion('a'.repeat(10), 10);
  checkQuestion('😀 이모지');
});

t.test('what is no question is refused by its code', async (t) => {
  const table: [string, string][] = [
    ['', 'QUESTION_EMPTY'],
    [' \n\t\u3000', 'QUESTION_EMPTY'],
    ['a'.repeat(11), 'QUESTION_TOO_LONG'],
    ['a\u0000b', 'REQUEST_INVALID'],
    ['half \ud83d', 'REQUEST_INVALID'],
    ['\ude00 half', 'REQUEST_INVALID'],
  ];
  for (const [text, code] of table) t.throws(() => checkQuestion(text, 10), { code }, JSON.stringify(text));
});
