import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import iconv from 'iconv-lite';
import t from 'tap';
import { readAnsweredQuestions } from '../../../shared/evaluation/answered-questions.js';

const path = join(t.testdir({}), 'questions.csv');

t.test('questions come with their answers and every other column', async (t) => {
  await writeFile(
    path,
    '\uFEFFQuestion,Answer,Keyword\r\n"왜?\n1 가\n2 나", 2 ,\r\n\r\n뭐?,"전자서명, 인증",서명\r\n',
  );
  t.strictSame(await readAnsweredQuestions(path), [
    {
      question: '왜?\n1 가\n2 나',
      answer: '2',
      columns: { Question: '왜?\n1 가\n2 나', Answer: ' 2 ', Keyword: '' },
    },
    {
      question: '뭐?',
      answer: '전자서명, 인증',
      columns: { Question: '뭐?', Answer: '전자서명, 인증', Keyword: '서명' },
    },
  ]);
});

t.test('a file that is missing or lacks a column is refused by name', async (t) => {
  await t.rejects(readAnsweredQuestions(`${path}.missing`), { code: 'FILE_NOT_FOUND', message: /missing/ });
  await writeFile(path, 'ID,Question\n1,왜?\n');
  await t.rejects(readAnsweredQuestions(path), {
    code: 'CSV_MISSING_COLUMN',
    message: /lacks the column Answer: its header reads "ID,Question"/,
  });
  await writeFile(path, 'Answer\n1\n');
  await t.rejects(readAnsweredQuestions(path), { code: 'CSV_MISSING_COLUMN', message: /column Question/ });
  await writeFile(path, '');
  await t.rejects(readAnsweredQuestions(path), { code: 'CSV_MISSING_COLUMN', message: /reads ""/ });
});

t.test('a reference is an answer, names may stand between spaces, and Korean Excel is read', async (t) => {
  await writeFile(path, iconv.encode('Question , Reference\n무엇인가?,답\n', 'cp949'));
  t.match(await readAnsweredQuestions(path), [{ question: '무엇인가?', answer: '답' }]);
  await writeFile(path, 'Question,Answer\n');
  t.strictSame(await readAnsweredQuestions(path), []);
  await writeFile(path, Buffer.from([0x51, 0x00, 0xff, 0x80]));
  await t.rejects(readAnsweredQuestions(path), { code: 'CSV_ENCODING' });
});

t.test('a file that is no CSV is refused by name', async (t) => {
  for (const text of ['Question,Answer\n"왜?,1\n', 'Question,Answer\n왜?,1,2\n']) {
    await writeFile(path, text);
    await t.rejects(readAnsweredQuestions(path), { code: 'CSV_MALFORMED', message: /questions\.csv/ });
  }
});
