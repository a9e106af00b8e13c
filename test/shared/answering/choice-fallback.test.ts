import t from 'tap';
import { fallbackAnswer } from '../../../shared/answering/choice-fallback.js';
import { classify } from '../../../shared/question/classify.js';

const answer = (question: string) => fallbackAnswer(classify(question));

t.test('of true statements the longest is picked, at the confidence of a guess', async (t) => {
  t.strictSame(answer('옳은 것은?\n1 가\n2 나나나\n3 다다\n4 라'), { answer: '2', confidence: 0.25 });
  t.strictSame(answer('옳은 것은?\n1 가\n2 나'), { answer: '1', confidence: 0.5 });
});

t.test('for a negated stem the most over-stated is picked', async (t) => {
  const question =
    '옳지 않은 것은?\n1 기록을 보존한다\n2 모든 정보를 반드시 공개하여야 한다\n3 모든 기록\n4 점검';
  t.equal(answer(question).answer, '2');
});

t.test('an open question gets a sentence that admits it', async (t) => {
  const { answer: text, confidence } = answer('전자서명을 설명하시오.');
  t.match(text, /확인/);
  t.equal(confidence, 0);
});
