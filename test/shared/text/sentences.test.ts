import t from 'tap';
import { splitSentences } from '../../../shared/text/sentences.js';

const table: [title: string, sentences: string[]][] = [
  ['Korean sentences', ['금융회사는 안전성을 확보한다. ', '이용자는 통지한다.']],
  ['a question and an exclamation', ['무엇인가? ', '중요하다! ', '끝.']],
  ['no space after 다.', ['안전하게 한다.', '그러나 예외가 있다.']],
  ['full-width marks', ['이다。', '다음！', '끝']],
  ['dates and decimals stay whole', ['2025. 8. 1. 부터 3.5퍼센트를 적용한다. ', '끝이다.']],
  ['item marks stay with their text', ['1. 정보를 보호한다. ', '2. 기록을 남긴다.']],
  ['Korean item marks', ['가. 이름\n', '나. 주소 다.']],
  ['brackets', ['이용자(이하 "이용자"라 한다. 이하 같다)는 알린다. ', '<개정 2020. 2. 4.>']],
  ['an unclosed bracket protects nothing', ['열린 괄호(를 잊었다. ', '다음 문장이다.']],
  ['closing quotes', ['그는 "그렇다." ', '라고 말했다.']],
  ['abbreviations', ['Use TLS, e.g. version 1.3, vs. SSL. ', 'Then stop.']],
  ['line breaks', ['첫째 줄\n', '둘째 줄\n\n', '셋째 줄']],
  ['white space at the start', ['  들여 쓴 문장이다. ', '다음.']],
  ['ellipsis', ['기다린다... ', '그리고 끝난다.']],
  ['host names and versions', ['www.law.go.kr 에서 v1.2.3 을 받는다.']],
];

for (const [title, sentences] of table) {
  t.test(`splits: ${title}`, async (t) => {
    t.same(splitSentences(sentences.join('')), sentences);
  });
}

t.test('empty and blank texts', async (t) => {
  t.same(splitSentences(''), []);
  t.same(splitSentences(' \n '), [' \n ']);
});

t.test('no character is lost in random text (seeded)', async (t) => {
  const alphabet = [...'가다요.다 .!?\n\t 1a()<>"”。，,1. 가. e.g. …'];
  let state = 42;
  const next = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  for (let round = 0; round < 2000; round += 1) {
    let text = '';
    for (let i = next(60); i > 0; i -= 1) text += alphabet[next(alphabet.length)];
    const sentences = splitSentences(text);
    if (sentences.join('') !== text || sentences.includes('')) {
      t.fail('characters were lost', { text, sentences });
      return;
    }
  }
  t.pass('2,000 texts restored');
});

t.test('a long text without any end takes linear time', async (t) => {
  t.equal(splitSentences('가나다라(<['.repeat(50_000)).length, 1);
});
