import t from 'tap';
import { countTokens } from '../../../shared/text/token-count.js';

t.test('each script has its rule', async (t) => {
  t.equal(countTokens(''), 0);
  t.equal(countTokens(' \n\t'), 0);
  t.equal(countTokens('정보보호'), 3); // 4 / 1.6 = 2.5
  t.equal(countTokens('security'), 2);
  t.equal(countTokens('2025'), 2);
  t.equal(countTokens('個人'), 2);
  t.equal(countTokens('привет'), 3);
  t.equal(countTokens('제21조의2, 정보'), 1 + 1 + 2 + 1 + 1 + 2);
});

t.test('counts of parts cut at white space add up to the count of the whole', async (t) => {
  const text = '금융회사는 100만원 이하의 과태료를 낸다. The CIA triad (기밀성) matters; 個人情報 です.';
  const parts = text.split(/(?<=\s)/u);
  t.equal(
    parts.reduce((sum, part) => sum + countTokens(part), 0),
    countTokens(text),
  );
});

t.test('a very long run without white space is counted in linear time', async (t) => {
  t.equal(countTokens('가'.repeat(160_000)), 100_000);
  t.equal(countTokens('я'.repeat(100_000)), 50_000);
});
