import iconv from 'iconv-lite';
import t from 'tap';
import { repairMojibake } from '../../../training/documents/repair-mojibake.js';

const original = '정보보호 관리체계의 수립과 운영을 위하여 접근통제를 적용한다';

t.test('UTF-8 that was read as Windows-1252 is restored', async (t) => {
  const broken = [...Buffer.from('정보보호')].map((byte) => windows1252(byte)).join('');
  t.not(broken, '정보보호');
  t.equal(repairMojibake(`제목: ${broken}!`), '제목: 정보보호!');
});

t.test('UTF-8 that was read as Latin-1 is restored', async (t) => {
  t.equal(repairMojibake(Buffer.from(original).toString('latin1')), original);
});

t.test('CP949 that was read as Latin-1 is restored', async (t) => {
  t.equal(repairMojibake(iconv.encode('정보보호', 'cp949').toString('latin1')), '정보보호');
});

t.test('UTF-8 that was read as CP949 is restored where it is certain', async (t) => {
  const broken = iconv.decode(Buffer.from('보안보안'), 'cp949');
  t.not(broken, '보안보안');
  t.equal(repairMojibake(broken), '보안보안');
});

t.test('right text is left alone', async (t) => {
  for (const text of [
    original,
    'naïve café Ångström — “quoted” €100 ½',
    '《個人情報保護法》 제1조 大韓民國憲法前文',
    'Straße, São Paulo, señor',
    '수식 ×÷±° ²³',
  ]) {
    t.equal(repairMojibake(text), text);
  }
});

function windows1252(byte: number): string {
  const high = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';
  return byte >= 0x80 && byte < 0xa0 ? (high[byte - 0x80] as string) : String.fromCharCode(byte);
}
