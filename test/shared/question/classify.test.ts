import t from 'tap';
import { classify, maxQuestionLength } from '../../../shared/question/classify.js';

t.test('a question with choices is taken apart', async (t) => {
  t.strictSame(
    classify('전자금융거래법상 접근매체가 아닌 것은?\r\n1 전자식 카드\r\n2 인증서\r\n3 비밀번호\r\n4 현금'),
    {
      questionType: 'multiple-choice',
      stem: '전자금융거래법상 접근매체가 아닌 것은?',
      choices: [
        { number: 1, text: '전자식 카드' },
        { number: 2, text: '인증서' },
        { number: 3, text: '비밀번호' },
        { number: 4, text: '현금' },
      ],
      negated: true,
      domain: 'law',
      confidence: 1,
    },
  );
});

t.test('a question without choices is open, and never negated', async (t) => {
  const { questionType, stem, choices, negated, confidence } = classify(' 개인정보가 아닌 것은 무엇인가? \n');
  t.strictSame(
    { questionType, stem, choices, negated, confidence },
    {
      questionType: 'open',
      stem: '개인정보가 아닌 것은 무엇인가?',
      choices: [],
      negated: false,
      confidence: 0.95,
    },
  );
});

t.test('doubtful forms lower the confidence', async (t) => {
  const table: [question: string, confidence: number][] = [
    ['질문?\n1 가\n2 나\n3 다\n4 라', 1],
    ['질문?\n1 가\n2 나\n3 다\n4 라\n5 마', 1],
    ['질문?\n1 가\n2 나', 0.9],
    ['질문?\n1 가\n2 나\n3 다\n4 라\n5 마\n6 바', 0.9],
    ['1 가\n2 나\n3 다\n4 라', 0.5],
    ['설명하시오.\n2 둘\n3 셋', 0.6],
    ['설명하시오. ① 가 ③ 다', 0.95],
    ['설명하시오.\n① 가 ③ 다', 0.6],
  ];
  for (const [question, confidence] of table) t.equal(classify(question).confidence, confidence, question);
});

t.test('decomposed Hangul is composed first', async (t) => {
  const question = '옳지 않은 것은?\n1 가\n2 나';
  t.strictSame(classify(question.normalize('NFD')), classify(question));
});

t.test('text that cannot be a question is refused', async (t) => {
  for (const text of ['', ' ', '\n\t\u3000']) t.throws(() => classify(text), { code: 'QUESTION_EMPTY' });
  t.throws(() => classify('가'.repeat(maxQuestionLength + 1)), {
    code: 'QUESTION_TOO_LONG',
    message: /20001 characters; at most 20000/,
    data: { length: 20_001, max: 20_000 },
  });
  t.equal(classify('가'.repeat(maxQuestionLength)).questionType, 'open');
});

t.test('hostile texts take no time to speak of', async (t) => {
  for (const part of [
    '\n',
    ' ',
    '\u3000',
    '12',
    '제',
    '제 ',
    '제1',
    '법에 ',
    '가법',
    'A',
    '1. ',
    '위험 ',
    '\r\n ',
  ]) {
    const text = `a${part.repeat(Math.floor(19_998 / part.length))}b`;
    const started = performance.now();
    classify(text);
    t.ok(performance.now() - started < 1000, JSON.stringify(part));
  }
});
