import t from 'tap';
import { normalizeText } from '../../../shared/text/normalize.js';

t.test('signs that mean the same become the same', async (t) => {
  const table: [input: string, output: string][] = [
    ['한글'.normalize('NFD'), '한글'],
    ['ＡＢＣ１２３', 'abc123'],
    ['위ㆍ변조 위·변조 위・변조 위･변조', '위·변조 위·변조 위·변조 위·변조'],
    ['“금융회사” ‘이용자’ 「은행법」', '"금융회사" \'이용자\' "은행법"'],
    ['A–B A—B A－B A−B', 'a-b a-b a-b a-b'],
    ['1〜2 1～2', '1~2 1~2'],
    ['①금융회사는 ②이용자는 ㉠ ❶ ⑽', '금융회사는 이용자는'],
    ['• 항목 ■ 항목 ○ 항목 ※ 참고', '항목 항목 항목 참고'],
    ['  여러\t\n\u00a0\u3000공백  ', '여러 공백'],
    ['금\u200b융\u00ad회\ufeff사', '금융회사'],
    ['1\\. 「은행법」', '1. "은행법"'],
    ['DDoS', 'ddos'],
    ['㈜카카오', '(주)카카오'],
    ['５００만원', '5000000원'],
    ['', ''],
    ['\ud800가\udc00', '가'],
    ['\u0000가\u0007', '가'],
  ];
  for (const [input, output] of table) t.equal(normalizeText(input), output, JSON.stringify(input));
});

t.test('normalising twice changes nothing', async (t) => {
  const texts = [
    '제21조의2제3항에 따라 1천만원 이하의 과태료를 부과한다.',
    '(단위: 천원) 3억 5천만원의 100분의 5, 2013. 5. 22.',
    '①“금융회사”란 ㆍ ﬁ ㎡ ½ Ⅳ ℃ 漢字 😀 \ud800',
  ];
  for (const text of texts) t.equal(normalizeText(normalizeText(text)), normalizeText(text), text);
});

t.test('a long hostile text takes linear time', async (t) => {
  for (const unit of ['1,', '1,000', '천', '1천', '2013.', '3억 ', '백분의 ', '\\', '일이삼', '5 ']) {
    t.type(normalizeText(unit.repeat(20_000)), 'string', unit);
  }
});
