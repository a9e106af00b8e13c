import iconv from 'iconv-lite';
import t from 'tap';
import { decodeText } from '../../../shared/text/decode-text.js';

const text = '금융보안, 2025년 "정답"\r\n둘째 줄 똠방각하';

t.test('UTF-8 and UTF-16 with or without a mark, and CP949, give the same text', async (t) => {
  t.same(decodeText(Buffer.from(text)), { text, encoding: 'utf-8' });
  t.same(decodeText(Buffer.from(`\ufeff${text}`)), { text, encoding: 'utf-8-bom' });
  t.same(decodeText(Buffer.from(`\ufeff${text}`, 'utf16le')), { text, encoding: 'utf-16le' });
  t.same(decodeText(iconv.encode(text, 'utf-16be', { addBOM: true })), { text, encoding: 'utf-16be' });
  t.same(decodeText(iconv.encode(text, 'cp949')), { text, encoding: 'cp949' });
});

t.test('bytes that are no text are not decoded', async (t) => {
  t.equal(decodeText(Buffer.from([0x25, 0x00, 0x41])), undefined, 'binary');
  t.equal(decodeText(Buffer.from([0xb0, 0x20, 0xff, 0xff])), undefined, 'neither UTF-8 nor CP949');
  t.equal(decodeText(Buffer.from([0xef, 0xbb, 0xbf, 0xb0, 0xa1])), undefined, 'a UTF-8 mark before CP949');
});

t.test('an empty file is an empty text', async (t) => {
  t.same(decodeText(new Uint8Array()), { text: '', encoding: 'utf-8' });
});

t.test('a view into a larger buffer is decoded within its bounds', async (t) => {
  const bytes = new Uint8Array(iconv.encode('앞가운데뒤', 'cp949'));
  t.equal(decodeText(bytes.subarray(2, 8))?.text, '가운데');
});
