import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { choiceAnswer } from '../../../shared/evaluation/choice-answer.js';
import { readFileQuestions } from '../../../shared/evaluation/file-questions.js';

const path = join(t.testdir({}), 'a.csv');
const read = async (text: string) => {
  await writeFile(path, text);
  return readFileQuestions(path);
};

t.test('of a file the columns say what is known, else the classifier', async (t) => {
  const { questions, unanswered } = await read(
    'Question,Answer,domain,Keyword,title,section\n"옳지 않은 것은?\n1 가\n2 나",2,법,,전자금융거래법,제2조\n왜?,,,,,\n"무엇인지 설명하시오.",답이다,,"접근 매체, 이용자",,제1조\n',
  );
  const [choice, open] = questions;
  t.equal(unanswered, 1);
  t.match(choice, {
    ...{ id: '1', row: 1, answer: '2', isOpen: false, negated: true, domain: '법', form: '' },
    ...{ keywords: null, choiceCount: 2, article: { title: '전자금융거래법', section: '제2조' } },
  });
  t.match(open, {
    ...{ id: '3', row: 3, answer: '답이다', isOpen: true, choiceCount: 0, article: null },
    keywords: ['접근', '매체', '이용자'],
  });
  t.ok(open!.domain.length > 0);
});

t.test('an answer names its choice in the ways that people write it', async (t) => {
  const choices = [
    { number: 1, text: '7%' },
    { number: 2, text: '방화벽' },
    { number: 3, text: '같다' },
    { number: 4, text: '같다' },
  ];
  const table: [string, string | null | undefined][] = [
    ...(['2', ' 2 ', '2번', '2.', '(2)', '2)', '2.0', '②', '２', '방화벽', '방 화벽.'] as const).map(
      (answer): [string, string] => [answer, '2'],
    ),
    ...(['5', '0', '⑤', '99'] as const).map((answer): [string, null] => [answer, null]),
    ...(['같다', '방화벽이다', '2 3', '1.5', '123', '-1'] as const).map((answer): [string, undefined] => [
      answer,
      undefined,
    ]),
    ['7%', '1'],
  ];
  for (const [answer, expected] of table) t.equal(choiceAnswer(answer, choices), expected, answer);
});

t.test('an open question may hold a list; a number that no choice has is an error', async (t) => {
  const list = '"다음을 설명하시오.\n1 가\n2 나"';
  t.match(await read(`Question,Answer\n${list},둘 다 필요하다\n`), { questions: [{ isOpen: true }] });
  await t.rejects(read(`Question,Answer\n${list},1\n${list},3\n`), {
    code: 'CSV_MALFORMED',
    message: /row 2: the Answer is "3", but the question has the choices 1 to 2/,
  });
});

t.test('a question that nobody can ask is refused by its row', async (t) => {
  await t.rejects(read('Question,Answer\n왜?,1\n" ",1\n'), { code: 'QUESTION_EMPTY', message: /row 2/ });
  await t.rejects(read(`Question,Answer\n${'가'.repeat(20_001)},1\n`), {
    code: 'QUESTION_TOO_LONG',
    message: /row 1/,
  });
});
