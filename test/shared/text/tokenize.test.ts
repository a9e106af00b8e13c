import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { createTokenizer, tokenizerVersion } from '../../../shared/text/tokenize.js';

const { tokenize } = await createTokenizer();
const terms = (text: string) => tokenize(text).morphemes;

t.test('particles and endings go, content morphemes stay', async (t) => {
  t.same(terms('자금융회사는'), ['금융', '회사']);
  t.same(terms('전자금융업자의 안전성을'), ['전자', '금융', '업자', '안전']);
  t.same(terms('이용자의 고의 또는 중대한 과실').includes('과실'), true);
  t.notOk(terms('정보보호최고책임자를 대통령령으로 정한다').some((term) => /^[를으로]+$/.test(term)));
});

t.test('citations, quantities, dates, codes and foreign words are kept whole', async (t) => {
  const table: [input: string, morphemes: string[]][] = [
    ['제21조의2제3항', ['제21조의2', '제21조의2제3항']],
    ['제3자에게', ['제3자']],
    ['1천만원 이하', ['10000000원', '이하']],
    ['1,000만 원', ['10000000원']],
    ['3년', ['3년']],
    ['3 년', ['3년']],
    ['30일 이내에', ['30일', '이내']],
    ['6개월의', ['6개월']],
    ['100분의 5', ['5%']],
    ['2013. 5. 22.', ['2013-05-22']],
    ['DDoS', ['ddos']],
    ['SHA-256', ['sha256', 'sha', '256']],
    ['OAuth2.0', ['oauth2.0', 'oauth2']],
    ['TCP/IP', ['tcp/ip', 'tcp', 'ip']],
    ['A.1.2', ['a.1.2']],
    ['2.5.1', ['2.5.1']],
    ['ISMS-P', ['ismsp', 'isms']],
    ['256비트 256bit', ['256bit', '256bit']],
    ['C++', ['c++']],
    ['漢字', ['漢字']],
    ['제1금융권', ['제1', '금융']],
    ['2 개인정보', ['2', '개인', '정보']],
    ['1. 은행 2) 은행', ['은행', '은행']],
    ['VPN을 API는 3에서', ['vpn', 'api', '3']],
  ];
  for (const [input, morphemes] of table) t.same(terms(input), morphemes, input);
});

t.test('bigrams are those of each Hangul word', async (t) => {
  t.same(tokenize('금융회사는 DDoS 법 위·변조').bigrams, ['금융', '융회', '회사', '사는', '변조']);
});

t.test('names of object properties are ordinary words', async (t) => {
  t.same(terms('__proto__ constructor toString'), ['proto', 'constructor', 'tostring']);
});

t.test('the same text gives the same terms, in a sentence or alone', async (t) => {
  const words = ['금융회사는', '이용자에게', '제9조제1항에', '1천만원을', 'VPN으로', '안전성을'];
  t.same(terms(words.join(' ')), words.flatMap(terms));
});

t.test('no input makes it fail', async (t) => {
  const inputs = [
    '',
    ' \n\t',
    '\u0000',
    '😀 a😀가 👨‍👩‍👧',
    '\ud800',
    '\udc00가나다\ud800',
    'ㅋㅋㅋ ㅠㅠ',
    '가'.repeat(5000),
    'a'.repeat(5000),
    '힣'.repeat(41),
    '한글'.normalize('NFD'),
    '𠀀𠀁'.repeat(100),
    'é́́́',
    '1.'.repeat(3000),
    'a-'.repeat(3000),
    '제'.repeat(3000),
    '제1조'.repeat(3000),
    '𝕳𝖊𝖑𝖑𝖔',
  ];
  for (const input of inputs) {
    const { morphemes, bigrams } = tokenize(input);
    for (const term of [...morphemes, ...bigrams]) {
      if (term.length === 0 || term.length > 40)
        t.fail(`${JSON.stringify(input.slice(0, 10))} gives ${term.length}`);
    }
  }
  t.same(tokenize(''), { morphemes: [], bigrams: [] });
});

t.test('the version stands for the terms: raise it whenever this digest has to change', async (t) => {
  const statute = readFileSync(
    new URL('../../../data/raw/law-md/전자서명법 시행령.md', import.meta.url),
    'utf8',
  );
  const digest = createHash('sha256')
    .update(JSON.stringify(tokenize(statute)))
    .digest('hex')
    .slice(0, 16);
  t.same([tokenizerVersion, digest], ['garu-0.3.7/1', '09a79a1cf4a7cd01']);
});
