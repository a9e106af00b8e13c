import t from 'tap';
import { cleanText } from '../../../training/documents/clean-text.js';

t.test('decomposed Hangul is composed', async (t) => {
  t.equal(cleanText('한글'.normalize('NFD')), '한글');
});

t.test('zero-width and control characters go, line ends become LF, other text stays', async (t) => {
  t.equal(cleanText('가\u200b나\ufeff다\u0000\u00ad라'), '가나다라');
  t.equal(cleanText('a\r\nb\rc\u2028d'), 'a\nb\nc\nd');
  t.equal(cleanText('100\u00a0만원\t₩1,000 ㈜'), '100 만원\t₩1,000 ㈜');
});
