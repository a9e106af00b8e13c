import t from 'tap';
import { askedText } from '../../../shared/question/asked-text.js';

t.test('what only asks goes, what is asked about stays', async (t) => {
  const table: [stem: string, asked: string][] = [
    ['전자서명에 대해 간략히 설명하시오.', '전자서명'],
    ['전자서명을   구체적으로\n서술해 주세요.', '전자서명'],
    ['전자서명의 효력은 무엇인가?', '전자서명의 효력'],
    ['다음 중 접근매체에 대한 설명으로 옳지 않은 것은?', '접근매체'],
    ['개인정보의 파기 방법으로 가장 적절한 것은?', '개인정보의 파기 방법'],
    ['다음 보기 중, 망 분리에 관하여 가장 거리가 먼 것은?', '망 분리'],
    ['비밀번호의 관리 기준을 각각 나열하시오.', '비밀번호의 관리 기준'],
    ['접근매체는 무엇인지 설명하시오.', '접근매체'],
    ['설명 의무를 위반한 자의 책임', '설명 의무를 위반한 자의 책임'],
    ['What is phishing?', 'What is phishing?'],
    ['다음 중 옳은 것은?', '다음 중 옳은 것은?'],
    ['', ''],
  ];
  for (const [stem, asked] of table) t.equal(askedText(stem), asked, stem);
});

t.test('hostile texts take no time to speak of', async (t) => {
  for (const part of [
    ' ',
    '\n',
    '\u3000',
    '을 ',
    '다음 ',
    '설명 ',
    '옳은 것',
    '옳은 것?',
    '가장 ',
    '에 대한 ',
    '은 ',
    '무엇인가',
  ]) {
    const text = `a${part.repeat(Math.floor(19_000 / part.length))}b`;
    const started = performance.now();
    askedText(text);
    t.ok(performance.now() - started < 1000, JSON.stringify(part));
  }
});
