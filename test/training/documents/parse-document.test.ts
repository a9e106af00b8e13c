import t from 'tap';
import type { DocumentParser } from '../../../training/documents/document.js';
import { formatOf, parseDocument } from '../../../training/documents/parse-document.js';
import { docxFile, docxParagraph, zipFile } from '../../fixtures/docx-file.js';

t.test('the first bytes decide before the name does', async (t) => {
  const pdf = Buffer.from('%PDF-1.7\n…');
  const docx = docxFile(docxParagraph('글'));
  const table: [Uint8Array, string, string | undefined][] = [
    [pdf, 'a.txt', 'pdf'],
    [Buffer.from('\n\n%PDF-1.4'), 'a.pdf', 'pdf'],
    [Buffer.from('the mark %PDF- opens a PDF'), 'a.md', 'markdown'],
    [Buffer.from('plain'), 'a.pdf', 'pdf'],
    [docx, 'a.bin', 'docx'],
    [zipFile({ 'xl/workbook.xml': '<a/>' }), 'a.docx', undefined],
    [Buffer.from('<!DOCTYPE html><p>a'), 'page', 'html'],
    [Buffer.from('a'), 'a.MD', 'markdown'],
    [Buffer.from('a'), 'a.TXT', 'text'],
    [Buffer.from('[]'), 'a.json', 'controls'],
    [Buffer.from('a'), 'a.exe', undefined],
  ];
  for (const [bytes, path, format] of table) t.equal(formatOf(bytes, path), format, path);
});

t.test('unsupported and empty files are refused by name', async (t) => {
  await t.rejects(parseDocument(Buffer.from('MZ'), 'a.exe'), {
    code: 'DOCUMENT_UNSUPPORTED',
    message: /a\.exe/u,
  });
  await t.rejects(parseDocument(new Uint8Array(), 'a.md'), { code: 'DOCUMENT_EMPTY', message: /a\.md/u });
});

t.test('PDFs go to the parser that the caller gives', async (t) => {
  const parsed = { title: 'T', effective: '', blocks: [], lines: [], warnings: [] };
  const fake: DocumentParser = async () => parsed;
  t.same(await parseDocument(Buffer.from('%PDF-1.7'), 'a.pdf', undefined, fake), {
    format: 'pdf',
    document: parsed,
  });
});

t.test('a statute in Markdown is read line by line', async (t) => {
  const text =
    '---\n제목: 시험법\n법령구분: 법률\n시행일자: 2025-01-01\n---\n\n##### 제1조 (목적)\n\n  1\\. 가\n  2\\. 나\n';
  const { document } = await parseDocument(Buffer.from(text), 'a.md');
  t.equal(document.effective, '2025-01-01');
  t.ok(document.lines.includes('2. 나'), 'items stay on their lines');
});

t.test('an aborted signal stops before the work', async (t) => {
  await t.rejects(parseDocument(Buffer.from('a'), 'a.md', AbortSignal.abort()), { name: 'AbortError' });
});

t.test('markup that is nested beyond the stack is refused, not a crash', async (t) => {
  const html = Buffer.from(`${'<div>'.repeat(20_000)}x`);
  await t.rejects(parseDocument(html, 'deep.html'), { code: 'DOCUMENT_TOO_COMPLEX', message: /deep\.html/u });
  const quotes = Buffer.from(`${'> '.repeat(5_000)}x`);
  await t.rejects(parseDocument(quotes, 'deep.md'), { code: 'DOCUMENT_TOO_COMPLEX' });
});

t.test('lists nested hundreds deep are refused before they take minutes and gigabytes', async (t) => {
  const nested = (depth: number) =>
    Buffer.from(Array.from({ length: depth }, (_, level) => `${'  '.repeat(level)}- item\n`).join(''));
  await t.rejects(parseDocument(nested(300), 'deep.md'), {
    code: 'DOCUMENT_TOO_COMPLEX',
    message: /^deep\.md: .*hundreds of lists/u,
  });
  const { document } = await parseDocument(nested(50), 'list.md');
  t.equal(document.blocks.length, 50);
  const ruler = Buffer.from(`a\n\n${'-'.repeat(1_000)}\n\n${' '.repeat(1_000)}b\n`);
  t.equal((await parseDocument(ruler, 'ruler.md')).document.blocks.length, 2);
});
