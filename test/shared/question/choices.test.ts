import { readFile } from 'node:fs/promises';
import t from 'tap';
import { splitChoices } from '../../../shared/question/choices.js';
import { parseQuestionFile } from '../../../shared/question/question-file.js';
import { seededRandom } from '../../../shared/random.js';

/** The split as one array: stem, then the choices' texts. */
function split(text: string): string[] {
  const { stem, choices } = splitChoices(text);
  return [stem, ...choices.map((choice) => choice.text)];
}

const circled = [...'①②③④⑤⑥⑦⑧⑨⑩'];

t.test('every way to number a line makes the same choices', async (t) => {
  const marks: [name: string, mark: (n: number) => string][] = [
    ['1 ', (n) => `${n} `],
    ['1.', (n) => `${n}.`],
    ['1. ', (n) => `${n}. `],
    ['1)', (n) => `${n})`],
    ['1) ', (n) => `${n}) `],
    ['1 and a tab', (n) => `${n}\t`],
    ['1 and a full-width space', (n) => `${n}\u3000`],
    ['1 and a no-break space', (n) => `${n}\u00a0`],
    ['① ', (n) => `${circled[n - 1]} `],
    ['①', (n) => `${circled[n - 1]}`],
    ['indented', (n) => ` \t\u3000${n}. `],
    ['number alone, text on the next line', (n) => `${n}\n`],
  ];
  for (const eol of ['\n', '\r\n', '\r']) {
    for (const [name, mark] of marks) {
      for (let count = 2; count <= 10; count++) {
        const texts = Array.from({ length: count }, (_, i) => `보기 ${i + 1}번`);
        const question = `다음 중 옳은 것은?\n${texts.map((text, i) => mark(i + 1) + text).join('\n')}`;
        const expected = ['다음 중 옳은 것은?', ...texts];
        const got = split(question.replaceAll('\n', eol));
        if (got.join('|') !== expected.join('|')) t.same(got, expected, `${name}, ${count} choices`);
      }
    }
  }
  t.pass('all styles');
});

t.test('lines that only look like choices, and choices that look odd', async (t) => {
  const table: [what: string, question: string, expected: string[]][] = [
    ['no choices', '전자서명을 설명하시오.', ['전자서명을 설명하시오.']],
    ['one choice is none', '질문?\n1 하나', ['질문?\n1 하나']],
    ['starts at 2', '질문?\n2 둘\n3 셋', ['질문?\n2 둘\n3 셋']],
    ['starts at 0', '질문?\n0 영\n1 일', ['질문?\n0 영\n1 일']],
    ['no stem', '1 가\n2 나', ['', '가', '나']],
    ['blank lines between', '질문?\n\n1 가\n\n2 나\n', ['질문?', '가', '나']],
    ['continuation lines', '질문?\n1 가\n 이어서\n2 나', ['질문?', '가\n 이어서', '나']],
    ['empty texts', '질문?\n1.\n2. 나\n3.', ['질문?', '', '나', '']],
    ['bare numbers', '질문?\n1\n2', ['질문?', '', '']],
    ['decimals are no numbers', '비율은?\n1.5% 이상\n2.5% 이하', ['비율은?\n1.5% 이상\n2.5% 이하']],
    ['decimals as texts', '비율은?\n1 1.5%\n2 2.5%', ['비율은?', '1.5%', '2.5%']],
    ['texts that begin with numbers', '기간은?\n1 3년\n2 2년\n3 1년', ['기간은?', '3년', '2년', '1년']],
    ['a bracket before a digit', '기간은?\n1)3년\n2)5년', ['기간은?', '3년', '5년']],
    ['years', '언제인가?\n1 2019년\n2 2025년', ['언제인가?', '2019년', '2025년']],
    ['a year begins a line', '질문?\n1 가\n2019 년\n2 나', ['질문?', '가\n2019 년', '나']],
    ['a gap ends the run', '질문?\n1 가\n2 나\n4 라', ['질문?', '가', '나\n4 라']],
    ['a number too many times', '질문?\n1 가\n2 나\n2 다\n3 라', ['질문?', '가', '나\n2 다', '라']],
    [
      'a list in the stem',
      '다음 중\n1. 수집\n2. 이용\n3. 파기\n에 대한 설명으로 옳은 것은?\n1 가\n2 나\n3 다\n4 라',
      ['다음 중\n1. 수집\n2. 이용\n3. 파기\n에 대한 설명으로 옳은 것은?', '가', '나', '다', '라'],
    ],
    [
      'a longer list in the stem',
      '단계는?\n1. 하나\n2. 둘\n3. 셋\n4. 넷\n고르면?\n1) 가\n2) 나',
      ['단계는?\n1. 하나\n2. 둘\n3. 셋\n4. 넷\n고르면?', '가', '나'],
    ],
    [
      'a continuation line that begins with 1',
      '기간은?\n1 가\n2 나\n3 다만,\n1 개월 이내\n4 라',
      ['기간은?', '가', '나', '다만,\n1 개월 이내', '라'],
    ],
    ['circled in one line', '옳은 것은? ① 가 ② 나 ③ 다', ['옳은 것은?', '가', '나', '다']],
    ['circled, two a line', '옳은 것은?\n① 가 ② 나\n③ 다 ④ 라', ['옳은 것은?', '가', '나', '다', '라']],
    ['circled, the first alone', '옳은 것은?\n① 가\n② 나 ③ 다', ['옳은 것은?', '가', '나', '다']],
    ['circled out of order', '옳은 것은? ① 가 ③ 다', ['옳은 것은? ① 가 ③ 다']],
    ['a circled mark without a list', '제1조 ①의 뜻은?', ['제1조 ①의 뜻은?']],
    [
      'choices made of circled numbers',
      '다음 ① 수집 ② 이용 ③ 파기 중 옳은 것은?\n1 ①\n2 ①, ③\n3 ②, ③\n4 ①, ②',
      ['다음 ① 수집 ② 이용 ③ 파기 중 옳은 것은?', '①', '①, ③', '②, ③', '①, ②'],
    ],
    [
      'circled choices that name others',
      '옳은 것은?\n① 가\n② 나\n③ ①과 ② 모두',
      ['옳은 것은?', '가', '나', '①과 ② 모두'],
    ],
    [
      'a plain list in the stem, circled choices below',
      '다음에서 고르면?\n1. 수집\n2. 이용\n① 1 ② 2 ③ 1, 2',
      ['다음에서 고르면?\n1. 수집\n2. 이용', '1', '2', '1, 2'],
    ],
    ['styles do not mix', '질문?\n1 가\n② 나', ['질문?\n1 가\n② 나']],
  ];
  for (const [what, question, expected] of table) t.strictSame(split(question), expected, what);
});

t.test('more than ten choices make an open question', async (t) => {
  const lines = Array.from({ length: 11 }, (_, i) => `${i + 1} 보기`).join('\n');
  t.strictSame(split(`질문?\n${lines}`), [`질문?\n${lines}`]);
});

t.test('whatever the text, nothing is lost but marks and white space', async (t) => {
  const random = seededRandom(11);
  const parts = [
    '1 ',
    '2 ',
    '3.',
    '4)',
    '\n',
    '\n',
    '\r\n',
    '①',
    '②',
    '③',
    ' 가',
    '나 ',
    '1.5',
    '10 ',
    '\t',
    '제1조',
  ];
  const letters = (text: string): string => text.replace(/[^가-힣]/gu, '');
  for (let round = 0; round < 3000; round++) {
    const length = Math.floor(random() * 30);
    const text = Array.from({ length }, () => parts[Math.floor(random() * parts.length)]).join('');
    const { stem, choices } = splitChoices(text);
    const joined = [stem, ...choices.map((choice) => choice.text)].join('');
    if (letters(joined) !== letters(text)) t.equal(joined, text, 'letters are kept in order');
    if (choices.some(({ number }, index) => number !== index + 1)) t.fail(`numbers of ${text}`);
    if (choices.length === 1 || choices.length > 10) t.fail(`${choices.length} choices from ${text}`);
  }
  t.pass('3000 texts');
});

t.test('the real question file has 500 questions with choices, 253 of them with five', async (t) => {
  const bytes = await readFile(new URL('../../../data/questions/test.csv', import.meta.url));
  const { rows } = await parseQuestionFile(bytes, { maxRows: 1000 });
  const counts = rows.map(({ question }) => splitChoices(question).choices.length);
  t.equal(counts.filter((count) => count > 0).length, 500);
  t.equal(counts.filter((count) => count === 5).length, 253);
  t.equal(counts.filter((count) => count === 4).length, 247);
  t.equal(counts.filter((count) => count === 0).length, 15);
});

t.test('hostile texts take no time to speak of', async (t) => {
  const unit = ['1 ', '1 \n', '\n', ' ', '①', '① ', '①②', '1.', '\u3000\n', '1 a\n2 b\n', '99 ', '\r'];
  for (const part of unit) {
    const text = `a${part.repeat(Math.ceil(20_000 / part.length))}b`;
    const started = performance.now();
    splitChoices(text);
    t.ok(performance.now() - started < 1000, JSON.stringify(part));
  }
});
