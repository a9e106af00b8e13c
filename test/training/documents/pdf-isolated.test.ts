import { deflateSync } from 'node:zlib';
import t from 'tap';
import { PdfParserProcess, parsePdfIsolated } from '../../../training/documents/pdf-isolated.js';
import { tinyPdf } from './tiny-pdf.js';

const good = tinyPdf([{ lines: [{ x: 50, y: 700, text: 'A safe document.' }] }]);

t.test('one child parses many files and hands errors over whole', async (t) => {
  const parser = new PdfParserProcess();
  t.teardown(() => parser.close());
  const [a, b, c] = await Promise.allSettled([
    parser.parse(good, 'a.pdf'),
    parser.parse(new Uint8Array(0), 'b.pdf'),
    parser.parse(good, 'c.pdf'),
  ]);
  t.match(a, { status: 'fulfilled', value: { lines: ['A safe document.'] } });
  t.match(b, {
    status: 'rejected',
    reason: { name: 'HaetaeError', code: 'DOCUMENT_EMPTY', data: { path: 'b.pdf' } },
  });
  t.match(c, { status: 'fulfilled', value: { lines: ['A safe document.'] } });
});

t.test('a decompression bomb is stopped at the memory limit, and the next file is parsed', async (t) => {
  const zeros = deflateSync(deflateSync(Buffer.alloc(900 * 1024 * 1024), { level: 1 }));
  const bomb = tinyPdf([{ content: zeros, filter: '[/FlateDecode /FlateDecode]' }]);
  t.ok(bomb.length < 1024 * 1024, 'the file itself is small');
  const parser = new PdfParserProcess({ maxMemoryMb: 500, timeoutMs: 60_000 });
  t.teardown(() => parser.close());
  await t.rejects(parser.parse(bomb, 'bomb.pdf'), { code: 'DOCUMENT_TOO_COMPLEX', message: /memory/ });
  t.same((await parser.parse(good, 'a.pdf')).lines, ['A safe document.']);
});

t.test('a file that keeps the parser busy is stopped at the time limit', async (t) => {
  const busy = deflateSync(Buffer.alloc(60 * 1024 * 1024, 'q Q '), { level: 1 });
  const pdf = tinyPdf([{ content: busy, filter: '/FlateDecode' }]);
  await t.rejects(parsePdfIsolated(pdf, 'busy.pdf', { timeoutMs: 300 }), {
    code: 'DOCUMENT_TOO_COMPLEX',
    message: /300 ms/,
  });
});

t.test('an abort kills the work under way', async (t) => {
  const busy = deflateSync(Buffer.alloc(60 * 1024 * 1024, 'q Q '), { level: 1 });
  const pdf = tinyPdf([{ content: busy, filter: '/FlateDecode' }]);
  const parser = new PdfParserProcess();
  t.teardown(() => parser.close());
  await parser.parse(good, 'a.pdf');
  const controller = new AbortController();
  const work = parser.parse(pdf, 'busy.pdf', controller.signal);
  setImmediate(() => controller.abort());
  await t.rejects(work, { name: 'AbortError' });
});

t.test('arrays nested thousands deep do not bring the caller down', async (t) => {
  const deep = Buffer.from(`${'['.repeat(200_000)}${']'.repeat(200_000)} TJ`);
  await t.rejects(parsePdfIsolated(tinyPdf([{ content: deep }]), 'deep.pdf', { timeoutMs: 20_000 }), {
    code: /^DOCUMENT_(?:TOO_COMPLEX|DAMAGED|UNREADABLE)$/,
  });
});
