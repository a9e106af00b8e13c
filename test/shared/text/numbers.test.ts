import t from 'tap';
import { normalizeNumbers, parseNumeral } from '../../../shared/text/numbers.js';

t.test('a quantity has one written form', async (t) => {
  const table: [input: string, output: string][] = [
    ['1천만원', '10000000원'],
    ['1,000만 원', '10000000원'],
    ['1,000만원', '10000000원'],
    ['10,000,000원', '10000000원'],
    ['1000 만원', '10000000원'],
    ['천만원', '10000000원'],
    ['일천만원', '10000000원'],
    ['3억 5천만원', '350000000원'],
    ['3억5천만원 이하', '350000000원 이하'],
    ['1.5억원', '150000000원'],
    ['오백만원을', '5000000원을'],
    ['2조원', '2000000000000원'],
    ['2조 5천억원', '2500000000000원'],
    ['5만 명', '50000 명'],
    ['2천500만원', '25000000원'],
    ['10만원 이상', '100000원 이상'],
    ['5퍼센트', '5%'],
    ['5 %', '5%'],
    ['0.5퍼센트', '0.5%'],
    ['백분의 5', '5%'],
    ['100분의 5', '5%'],
    ['백분의 오', '5%'],
    ['1만분의 3', '0.03%'],
    ['1천분의 1', '0.1%'],
    ['100만분의 1', '0.0001%'],
    ['3분의 2 이상', '2/3 이상'],
    ['삼분의 이', '2/3'],
    ['2013. 5. 22.', '2013-05-22'],
    ['2013년 5월 22일', '2013-05-22'],
    ['2013-5-22', '2013-05-22'],
    ['2013/05/22', '2013-05-22'],
    ['[시행 2025. 10. 2.]', '[시행 2025-10-02]'],
  ];
  for (const [input, output] of table) t.equal(normalizeNumbers(input), output, input);
});

t.test('what only looks like a quantity stays as it is', async (t) => {
  const table = [
    '제3자',
    '제5조',
    '5조',
    '제2조의2',
    '사원',
    '구원',
    '일원',
    '조원',
    '충분의',
    '부분의 이익',
    '2 백신',
    '20일만에',
    'sha-256',
    '2.5.1',
    '1,23',
    '2013.13.45',
    '12013. 5. 22.',
    '5 조직',
    '천원칙',
  ];
  for (const input of table) t.equal(normalizeNumbers(input), input, input);
});

t.test('a value too large to be exact is left as written', async (t) => {
  t.equal(normalizeNumbers('99999999999999조원'), '99999999999999조원');
});

t.test('numerals of every section up to 조 are read as the number they write', async (t) => {
  const small = ['', '십', '백', '천'];
  const large = ['', '만', '억', '조'];
  const write = (value: number): string => {
    let text = '';
    for (let i = 3; i >= 0; i -= 1) {
      const section = Math.floor(value / 1e4 ** i) % 1e4;
      if (section === 0) continue;
      for (let j = 3; j >= 0; j -= 1) {
        const digit = Math.floor(section / 10 ** j) % 10;
        if (digit > 0) text += '영일이삼사오육칠팔구'[digit] + small[j]!;
      }
      text += large[i];
    }
    return text;
  };
  let value = 7;
  for (let i = 0; i < 400; i += 1) {
    value = (value * 48_271 + 11) % 9_999_999_999_999;
    t.equal(parseNumeral(write(value)), value, write(value));
  }
});
