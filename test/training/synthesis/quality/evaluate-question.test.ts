import t from 'tap';
import { seededRandom } from '../../../../shared/random.js';
import type { Chunk } from '../../../../shared/retrieval/chunk.js';
import type { QaDraft } from '../../../../training/formats/qa-pair.js';
import type { WantedQuestion } from '../../../../training/synthesis/question-teacher.js';
import { evaluateQuestion, qualityRules } from '../../../../training/synthesis/quality/evaluate-question.js';
import { bigrams, questionFacts } from '../../../../training/synthesis/quality/question-facts.js';
import { smallChunk } from '../../../fixtures/small-search.js';

const chunk = smallChunk(
  'act#21',
  [
    '제21조(접속기록의 보관)',
    '① 금융회사는 이용자의 접속기록을 5년간 보관하여야 한다. <개정 2020.2.4>',
    '② 금융회사는 침해사고를 알게 된 때에는 24시간 이내에 금융위원회에 신고하여야 한다.',
    '③ 금융회사는 전산실에 출입하는 사람의 명단을 매월 1회 이상 점검하여야 한다.',
    '④ 전자금융업자는 암호키를 안전한 장소에 나누어 보관하여야 한다.',
    '⑤ 이 조를 위반한 자는 3천만원 이하의 과태료를 부과한다.',
  ].join('\n'),
  { title: '거래안전법', section: '제21조', heading: '접속기록의 보관', kind: 'article' },
);
const neighbour = smallChunk(
  'act#22',
  '제22조(이용자 보호) 금융회사는 이용자의 신고를 접수하는 창구를 둔다.',
  {
    title: '거래안전법',
  },
);
const foreign = smallChunk('other#1', '접속기록은 보관하지 아니한다.', { title: '다른 법' });
const chunks = new Map([chunk, neighbour, foreign].map((one) => [one.chunkId, one]));

const vocabulary = bigrams(`${chunk.content} 위원장 1년 감독원 등록기관`);

const plain: QaDraft = {
  qaId: 'q',
  question: '「거래안전법」 제21조에 관한 설명으로 옳은 것은?',
  choices: [
    '금융회사는 이용자의 접속기록을 2년간 보관하여야 한다.',
    '금융회사는 침해사고를 알게 된 때에는 24시간 이내에 금융위원회에 신고하여야 한다.',
    '전자금융업자는 암호키를 한 장소에 모아 보관하여야 한다.',
    '금융회사는 전산실에 출입하는 사람의 명단을 매년 1회 이상 점검하여야 한다.',
  ],
  answer: '2',
  explanation: '금융회사는 침해사고를 알게 된 때에는 24시간 이내에 금융위원회에 신고하여야 한다.',
  negated: false,
  form: 'duty',
  contextChunkIds: [chunk.chunkId],
  documentId: '거래안전법',
  domain: 'law',
  difficultyLevel: 2,
};
const negated: QaDraft = {
  ...plain,
  question: '「거래안전법」 제21조에 관한 설명으로 옳지 않은 것은?',
  choices: [
    '금융회사는 이용자의 접속기록을 2년간 보관하여야 한다.',
    '금융회사는 침해사고를 알게 된 때에는 24시간 이내에 금융위원회에 신고하여야 한다.',
    '전자금융업자는 암호키를 안전한 장소에 나누어 보관하여야 한다.',
    '금융회사는 전산실에 출입하는 사람의 명단을 매월 1회 이상 점검하여야 한다.',
  ],
  answer: '1',
  negated: true,
};
const { choices: _, ...withoutChoices } = plain;
const open: QaDraft = {
  ...withoutChoices,
  question: '「거래안전법」에 따른 침해사고의 신고 의무를 설명하시오.',
  answer: '침해사고를 알게 된 때에는 24시간 이내에 금융위원회에 신고하여야 한다.',
};
const fillIn: QaDraft = {
  ...plain,
  question: '금융회사는 이용자의 접속기록을 (   )간 보관하여야 한다. 빈칸에 들어갈 기간은?',
  choices: ['1년', '5년', '3년', '10년'],
};

const wantedOf = ({ choices, answer, negated }: QaDraft): WantedQuestion => ({
  open: choices === undefined,
  negated,
  choices: choices?.length === 5 ? 5 : 4,
  position: Number(answer) || 1,
});
function evaluate(draft: QaDraft, wanted = wantedOf(draft), context: readonly Chunk[] = [neighbour]) {
  const request = { chunk, neighbours: context, wanted };
  const corpus = { chunkOf: (id: string) => chunks.get(id), vocabularyOf: () => vocabulary };
  return evaluateQuestion(questionFacts(draft, request, corpus));
}
const changed = (draft: QaDraft, at: number, choice: string): QaDraft => ({
  ...draft,
  choices: (draft.choices ?? []).with(at - 1, choice),
});
const asking = (question: string, draft = plain): QaDraft => ({ ...draft, question });

t.test('questions without a flaw have 10 points', async (t) => {
  for (const draft of [plain, negated, open, fillIn]) {
    t.same(evaluate(draft), { score: 10, flaws: [] }, draft.question);
  }
});

t.test('each flaw is found by its rule and keeps the question from being kept', async (t) => {
  const table: [rule: string, draft: QaDraft, wanted?: Partial<WantedQuestion>][] = [
    ['wanted', plain, { open: true }],
    ['wanted', plain, { choices: 5 }],
    ['wanted', plain, { position: 3 }],
    ['wanted', plain, { negated: true }],
    ['wanted', { ...plain, answer: '5' }],
    ['wanted', { ...plain, answer: '금융위원회' }],
    ['context', { ...plain, contextChunkIds: ['nowhere'] }],
    ['context', { ...plain, contextChunkIds: [chunk.chunkId, foreign.chunkId] }],
    ['context', { ...plain, contextChunkIds: [] }],
    ['reading', { ...plain, negated: true }],
    ['reading', { ...negated, negated: false }],
    ['reading', changed(plain, 1, '다음과 같다.\n2 둘째\n3 셋째\n4 넷째\n5 다섯째')],
    [
      'same choices',
      changed(plain, 1, '금융회사는, 침해사고를 알게된 때에는 24시간 이내에 금융위원회에 신고하여야 한다'),
    ],
    ['same choices', { ...fillIn, choices: ['60개월', '5년', '3년', '1년'] }],
    ['same choices', { ...fillIn, choices: ['14일', '5년', '2주', '1년'] }],
    ['ambiguous key', changed(plain, 1, '금융회사는 이용자의 접속기록을 5년간 보관하여야 한다.')],
    ['ambiguous key', changed(negated, 1, '금융회사는 이용자의 접속기록을 5년간 보관하여야 한다')],
    ['ungrounded', changed(plain, 2, '전자문서의 발신 시기는 작성자가 다른 시스템에 입력한 순간으로 본다.')],
    ['ungrounded', { ...fillIn, choices: ['1년', '7년', '3년', '10년'] }],
    ['ungrounded', { ...open, answer: '전자문서의 발신 시기는 작성자가 다른 시스템에 입력한 순간이다.' }],
    [
      'numbers',
      changed(plain, 2, '금융회사는 침해사고를 알게 된 때에는 72시간 이내에 금융위원회에 신고하여야 한다.'),
    ],
    [
      'numbers',
      changed(negated, 4, '금융회사는 전산실에 출입하는 사람의 명단을 매월 2회 이상 점검하여야 한다.'),
    ],
    ['leak', asking('침해사고를 24시간 이내에 금융위원회에 신고하여야 하는 금융회사의 의무로 옳은 것은?')],
    ['leak', asking('접속기록을 5년간 보관하여야 하는 금융회사의 보관 기간은?', fillIn)],
    [
      'leak',
      asking('침해사고를 알게 된 때에는 24시간 이내에 금융위원회에 신고하여야 하는 의무를 설명하시오.', open),
    ],
    [
      'length cue',
      changed(
        plain,
        2,
        `${plain.choices?.[1]} 금융회사는 이용자의 접속기록을 5년간 보관하여야 한다. 전자금융업자는 암호키를 안전한 장소에 나누어 보관하여야 한다.`,
      ),
    ],
    ['uneven choices', changed(plain, 2, '24시간 이내에 금융위원회에 신고할 의무')],
    [
      'uneven length',
      {
        ...plain,
        choices: [
          '보관',
          '금융회사는 침해사고를 알게 된 때에는 24시간 이내에 금융위원회에 신고',
          '점검',
          '신고',
        ],
      },
    ],
    ['absurd choice', { ...fillIn, choices: ['짜장면', '5년', '호랑이', '10년'] }],
    ['no question', asking('「거래안전법」 제21조에 관한 설명')],
    ['length', asking('?')],
    [
      'length',
      {
        ...open,
        answer: '침해사고를 알게 된 때에는 24시간 이내에 금융위원회에 신고하여야 한다. '.repeat(30).trim(),
      },
    ],
    ['leftovers', changed(plain, 1, '금융회사는 이용자의 접속기록을 2년간 보관하여야 한다. <개정 2020.2.4>')],
    ['leftovers', changed(plain, 1, '① 금융회사는 이용자의 접속기록을 2년간 보관하여야 한다.')],
    ['leftovers', changed(plain, 1, '가. 금융회사는 이용자의 접속기록을 2년간 보관하여야 한다.')],
    ['leftovers', asking('「{title}」 제21조에 관한 설명으로 옳은 것은?')],
    ['fragment', changed(plain, 1, '금융회사는 이용자의 접속기록을 2년간 보관하여')],
    ['fragment', changed(plain, 1, '금융회사는 이용자의 접속기록(전자기록을 2년간 보관하여야 한다.')],
    ['fragment', changed(plain, 1, '및 이용자의 접속기록을 2년간 보관하여야 한다.')],
    ['fragment', changed(plain, 1, '금융회사는 「여권법」 제7조여권번호를 2년간 보관하여야 한다.')],
    ['fragment', changed(fillIn, 1, '때에는 1년')],
    ['dangling reference', changed(plain, 1, '금융회사는 다음 각 호의 접속기록을 2년간 보관하여야 한다.')],
    ['dangling reference', changed(plain, 1, '금융회사가 접속기록을 2년간 보관하는 경우에도 또한 같다.')],
    ['particle', asking('“접속기록”는 무엇에 관한 설명으로 옳은 것인가?')],
    ['particle', asking('다음 중 “접속기록”란 무엇에 관한 설명으로 옳은 것인가?')],
    [
      'language',
      {
        ...open,
        question: 'Explain the duty to report (신고).',
        answer: 'Within 24시간 to the 금융위원회 committee of finance',
      },
    ],
  ];
  for (const [rule, draft, wanted] of table) {
    const { score, flaws } = evaluate(draft, { ...wantedOf(draft), ...wanted });
    const found = flaws.find((flaw) => flaw.rule === rule);
    t.ok(found, `${rule}: ${JSON.stringify(flaws)}`);
    t.ok(score < 7, `${rule}: ${score}`);
    t.ok(found?.reason, 'says why');
  }
  t.same(
    qualityRules.map(({ name }) => name).filter((name) => !table.some(([rule]) => rule === name)),
    ['explanation'],
    'every rule is tried',
  );
});

t.test('a small flaw costs a little', async (t) => {
  const { score, flaws } = evaluate({ ...plain, explanation: '해설은 따로 배포하는 자료집에 실려 있음' });
  t.match(flaws, [{ rule: 'explanation' }]);
  t.equal(score, 8);
  const reference = changed(plain, 1, '금융회사는 제1항의 접속기록을 2년간 보관하여야 한다.');
  t.match(evaluate(reference), { score: 9.5, flaws: [{ rule: 'dangling reference' }] });
});

t.test('signs that belong to the text are no flaws', async (t) => {
  for (const draft of [
    asking('「거래안전법」 제21조(접속기록의 보관)에 관한 설명으로 옳은 것은?'),
    changed(plain, 1, '금융회사는 이용자의 접속기록(전자기록, 서면 등)을 2년간 보관하여야 한다.'),
    asking('다음 중 “접속기록”의 보관에 관한 설명으로 옳은 것은?'),
    asking('다음 내용을 읽고 물음에 답하시오.\n1) 접속기록\n2) 암호키\n이에 관한 설명으로 옳은 것은?'),
  ]) {
    t.same(evaluate(draft).flaws, [], draft.question);
  }
});

t.test('what the context says of another term is a false choice', async (t) => {
  const terms = smallChunk(
    'act#2',
    '1. “접속기록”이란 전산실에 출입한 사람을 적은 명단을 말한다.\n2. “암호키”란 정보를 암호로 바꾸는 데 쓰는 값을 말한다.',
    { title: '거래안전법' },
  );
  const request = { chunk: terms, neighbours: [chunk], wanted: wantedOf(fillIn) };
  const corpus = { chunkOf: () => terms, vocabularyOf: () => vocabulary };
  const draft = (question: string): QaDraft => ({
    ...plain,
    question,
    choices: [
      '전산실에 출입한 사람을 적은 명단을 말한다.',
      '정보를 암호로 바꾸는 데 쓰는 값을 말한다.',
      '전산실에 두는 명단의 값을 말한다.',
      '사람을 암호로 바꾼 명단을 말한다.',
    ],
    explanation: '“암호키”란 정보를 암호로 바꾸는 데 쓰는 값을 말한다.',
  });
  const found = (question: string) => evaluateQuestion(questionFacts(draft(question), request, corpus)).flaws;
  t.same(found('「거래안전법」에서 정의하는 “암호키”의 뜻으로 옳은 것은?'), []);
  t.match(found('「거래안전법」에서 정의하는 뜻으로 옳은 것은?'), [{ rule: 'ambiguous key' }]);
});

t.test('the order of the choices does not matter', async (t) => {
  const random = seededRandom(11);
  const drafts = [
    plain,
    negated,
    changed(plain, 2, '24시간 이내에 신고할 의무'),
    changed(plain, 3, '① 암호키'),
  ];
  for (const draft of drafts) {
    const { choices = [], answer } = draft;
    const expected = evaluate(draft).score;
    for (let i = 0; i < 10; i++) {
      const order = choices.map((_, at) => ({ at, by: random() })).sort((a, b) => a.by - b.by);
      const dealt = order.map(({ at }) => choices[at] as string);
      const key = order.findIndex(({ at }) => at === Number(answer) - 1) + 1;
      t.equal(evaluate({ ...draft, choices: dealt, answer: String(key) }).score, expected);
    }
  }
});

t.test('a flaw more never raises the score, which stays within 0 and 10', async (t) => {
  const spoil: ((draft: QaDraft) => QaDraft)[] = [
    (draft) => changed(draft, 1, `① ${draft.choices?.[0]}`),
    (draft) => changed(draft, 3, `${draft.choices?.[2]} (`),
    (draft) => asking(draft.question.replace('?', ''), draft),
    (draft) => ({ ...draft, explanation: 'no source' }),
    (draft) => changed(draft, 2, '전자문서의 발신 시기는 다른 시스템에 입력한 순간이다.'),
  ];
  const random = seededRandom(2);
  for (let round = 0; round < 40; round++) {
    let draft = random() < 0.5 ? plain : negated;
    let before = evaluate(draft).score;
    for (const make of spoil.filter(() => random() < 0.5)) {
      draft = make(draft);
      const { score } = evaluate(draft);
      t.ok(score <= before && score >= 0);
      before = score;
    }
  }
});

t.test('nonsense is judged, not thrown at', async (t) => {
  for (const draft of [
    { ...plain, question: ' ', choices: ['', ''], answer: '' },
    { ...open, question: '', answer: '' },
    { ...plain, choices: [], answer: '0' },
    { ...plain, question: '\u0000\uD800'.repeat(50), choices: ['(((', '(((', ')))', '\uFFFD'] },
  ]) {
    const { score } = evaluate(draft);
    t.ok(score >= 0 && score < 7, String(score));
  }
});
