/** What models really return, and what becomes of it. */
import t from 'tap';
import type { WantedQuestion } from '../../../../training/synthesis/question-teacher.js';
import { readDraft } from '../../../../training/synthesis/model-teacher/read-draft.js';

const wanted: WantedQuestion = { open: false, negated: false, choices: 4, position: 3 };
const stem = '전자금융거래법에서 접근매체에 대한 설명으로 옳은 것은?';
const choices = [
  '거래를 지시하는 수단이다',
  '거래를 기록하는 장치이다',
  '거래를 감독하는 기관이다',
  '거래를 취소하는 절차이다',
];
const good = { question: stem, choices, answer: 1, explanation: '제2조의 정의이다.', difficulty: 2 };

const write = (change: Record<string, unknown> = {}) => JSON.stringify({ ...good, ...change });
/** `good`, with the right choice where it is wanted: it changes places with what stood there. */
const asWanted = {
  question: stem,
  answer: '3',
  choices: [choices[2], choices[1], choices[0], choices[3]],
  explanation: '제2조의 정의이다.',
  difficulty: 2,
};

t.test('the right choice is put where it is wanted', async (t) => {
  for (const position of [1, 2, 3, 4]) {
    const read = readDraft(write(), { ...wanted, position });
    if (typeof read === 'string') return t.fail(read);
    t.equal(read.answer, String(position));
    t.equal(read.choices?.[position - 1], choices[0]);
    t.same([...(read.choices ?? [])].sort(), [...choices].sort());
  }
});

const sameQuestion: [what: string, text: string][] = [
  ['bare', write()],
  ['in a fence with prose', `다음은 문제입니다.\n\n\`\`\`json\n${write()}\n\`\`\`\n도움이 되셨나요?`],
  ['after thoughts with an object', `{"question": "보기를 뺀 문제"} 꼴로 쓴다.\n${write()}`],
  ['with trailing commas', write().replace(']', ',]').replace(/\}$/u, ',}')],
  ['in single quotes', write().replaceAll('"', "'")],
  ['with the answer as text of a number', write({ answer: '1' })],
  ['with the answer as 1번', write({ answer: '1번' })],
  ['with the answer as a mark', write({ answer: '①' })],
  ['with the answer as a letter', write({ answer: 'A' })],
  ['with the answer in words', write({ answer: '정답: 1' })],
  ['with the answer as text of the choice', write({ answer: ` ${choices[0]}. ` })],
  ['with the answer as number and text', write({ answer: `1. ${choices[0]}` })],
  ['with the answer as mark and text', write({ answer: `① ${choices[0]}` })],
  ['with the answer as an object', write({ answer: { number: 1, text: choices[0] } })],
  ['with numbers before the choices', write({ choices: choices.map((choice, i) => `${i + 1}. ${choice}`) })],
  ['with marks before the choices', write({ choices: choices.map((choice, i) => `${'①②③④'[i]} ${choice}`) })],
  [
    'with letters before the choices',
    write({ choices: choices.map((choice, i) => `${'ABCD'[i]}) ${choice}`) }),
  ],
  [
    'with choices under letters',
    write({ choices: Object.fromEntries(choices.map((c, i) => ['ABCD'[i], c])), answer: 'A' }),
  ],
  ['with choices under numbers', write({ choices: Object.fromEntries(choices.map((c, i) => [i + 1, c])) })],
  ['with choices as objects', write({ choices: choices.map((text, i) => ({ number: i + 1, text })) })],
  [
    'with choices as one text',
    write({ choices: choices.map((choice, i) => `${i + 1}. ${choice}`).join('\n') }),
  ],
  [
    'with choices in the stem',
    write({ question: [stem, ...choices.map((c, i) => `${i + 1}. ${c}`)].join('\n'), choices: undefined }),
  ],
  [
    'with choices in the stem and beside it',
    write({ question: [stem, ...choices.map((c, i) => `${'①②③④'[i]} ${c}`)].join('\n') }),
  ],
  ['with a false choice too many', write({ choices: [...choices, '거래를 중개하는 회사이다'] })],
  ['with a false choice twice', write({ choices: [...choices, `${choices[1]}.`] })],
  ['with the right choice twice', write({ choices: [...choices, choices[0]] })],
  [
    'with Korean names',
    JSON.stringify({ 문제: stem, 보기: choices, 정답: 1, 해설: good.explanation, 난이도: '2' }),
  ],
  ['with a heading', write({ question: `[문제 1] ${stem}` })],
  ['with a number', write({ question: `3. ${stem}` })],
  ['with an explanation in other names', write({ explanation: undefined, rationale: good.explanation })],
];
for (const [what, text] of sameQuestion) {
  t.test(`a question is read ${what}`, async (t) => {
    t.same(readDraft(text, wanted), asWanted);
  });
}

const unreadable: [what: string, text: string, problem: RegExp][] = [
  ['prose', '죄송하지만 만들 수 없습니다.', /JSON 객체가 없다/],
  ['what was cut off', write().slice(0, 60), /JSON 객체가 없다/],
  ['no stem', write({ question: '' }), /짧다/],
  ['a stem that is no text', write({ question: ['가'] }), /글이 아니다/],
  ['an endless stem', write({ question: '가'.repeat(2_000) }), /너무 길다/],
  ['too few choices', write({ choices: choices.slice(0, 3) }), /4개여야 하는데 3개/],
  [
    'choices that are alike',
    write({ choices: [...choices.slice(0, 3), `“${choices[1]}.”`] }),
    /4개여야 하는데 3개/,
  ],
  ['an empty choice', write({ choices: [...choices.slice(0, 3), ' '] }), /4개여야 하는데 3개/],
  ['choices that are none', write({ choices: 7 }), /목록이 아니다/],
  ['no answer', write({ answer: undefined }), /answer가 없다/],
  ['an answer of nothing', write({ answer: null }), /answer가 없다/],
  ['an answer out of range', write({ answer: 5 }), /가리키지 않는다/],
  ['an answer from zero', write({ answer: 0 }), /가리키지 않는다/],
  ['an answer that is no choice', write({ answer: '다른 말' }), /가리키지 않는다/],
  ['several answers', write({ answer: '1, 2' }), /가리키지 않는다/],
  ['a list of answers', write({ answer: [1, 2] }), /answer가 없다/],
  [
    'an answer that may be number or text',
    write({ choices: ['1회', '2', '3', '4'], answer: '2' })
      .replace('"1회"', '"2회"')
      .replace('"2"', '"9"')
      .replace('"3"', '"2"'),
    /번호인지 내용인지/,
  ],
  [
    'a stem that asks for the false one',
    write({ question: stem.replace('옳은', '옳지 않은') }),
    /맞는 것을 묻는/,
  ],
  [
    'a choice that points to others',
    write({ choices: [...choices.slice(0, 3), '위의 보기 모두 해당한다'] }),
    /다른 보기를/,
  ],
  ['a choice that joins others', write({ choices: [...choices.slice(0, 3), '①, ②'] }), /다른 보기를|4개여야/],
  [
    'a choice that names another',
    write({ choices: [...choices.slice(0, 3), '1번과 2번이 옳다'] }),
    /다른 보기를/,
  ],
];
for (const [what, text, problem] of unreadable) {
  t.test(`${what} is no question`, async (t) => {
    t.match(readDraft(text, wanted), problem);
  });
}

t.test('a choice that begins like a number is the choice that it is', async (t) => {
  const texts = ['3번 이상 틀리면 잠근다', 'e.g. 방화벽을 둔다', '2회까지 허용한다', '1.5배로 늘린다'];
  for (const [i, text] of texts.entries()) {
    const read = readDraft(write({ choices: texts, answer: text }), { ...wanted, position: i + 1 });
    t.match(read, { choices: texts, answer: String(i + 1) }, text);
  }
  t.match(readDraft(write({ choices: texts, answer: `2. ${texts[0]}` }), wanted), /번호인지 내용인지/);
});

t.test('a negated question must ask for the false one', async (t) => {
  const negated = { ...wanted, negated: true };
  t.equal(readDraft(write(), negated), '틀린 것을 묻는 문제가 아니다.');
  t.match(readDraft(write({ question: stem.replace('옳은', '옳지 않은') }), negated), { answer: '3' });
});

t.test('five choices are five', async (t) => {
  const five = { ...wanted, choices: 5 as const, position: 5 };
  t.match(readDraft(write(), five), /5개여야 하는데 4개/);
  const read = readDraft(write({ choices: [...choices, '거래를 중개하는 회사이다'] }), five);
  t.match(read, { answer: '5', choices: { 4: choices[0] } });
});

t.test('an explanation that calls choices by number is left out: they have changed places', async (t) => {
  for (const explanation of ['1번이 정답이다.', '①이 맞다.', '보기 2는 틀리다.']) {
    const { explanation: _, ...rest } = asWanted;
    t.same(readDraft(write({ explanation }), wanted), rest);
  }
  t.match(readDraft(write({ explanation: '제3조와 제4호의 뜻이다.' }), wanted), { explanation: /제3조/ });
});

t.test('difficulty is held to its range, and middling where it is not given', async (t) => {
  const levels: [unknown, number][] = [
    [0, 1],
    [9, 5],
    ['4 (어려움)', 4],
    ['상', 3],
    [undefined, 3],
    [4.4, 4],
  ];
  for (const [difficulty, level] of levels)
    t.match(readDraft(write({ difficulty }), wanted), { difficulty: level });
});

t.test('an open question has an answer in words', async (t) => {
  const open = { ...wanted, open: true };
  const question = '접근매체의 뜻을 설명하시오.';
  const answer = '전자금융거래를 지시하는 수단이다.';
  t.same(readDraft(JSON.stringify({ question, answer }), open), { question, answer, difficulty: 3 });
  t.match(readDraft(JSON.stringify({ question, answer: [answer, '또한 정보이다.'] }), open), {
    answer: `${answer} 또한 정보이다.`,
  });
  t.match(readDraft(JSON.stringify({ question, answer: 3 }), open), /모범 답안이 아니다/);
  t.match(readDraft(JSON.stringify({ question }), open), /모범 답안이 아니다/);
  t.match(readDraft(JSON.stringify({ question: `${question}\n1. 가\n2. 나`, answer }), open), /보기가 있다/);
  t.match(readDraft(JSON.stringify({ question, answer: '가나'.repeat(5_000) }), open), /너무 길다/);
});
