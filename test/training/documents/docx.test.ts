import t from 'tap';
import { parseDocx } from '../../../training/documents/docx.js';
import { docxFile, docxParagraph, docxTable, zipFile } from '../../fixtures/docx-file.js';

t.test('headings, paragraphs and tables of a DOCX come out as blocks', async (t) => {
  const bytes = docxFile(
    docxParagraph('접근 통제 지침', 'Heading1') +
      docxParagraph('이용자는 인증을 거친다.') +
      docxTable([
        ['구분', '기간'],
        ['일반', '5년'],
      ]),
  );
  const document = await parseDocx(bytes, 'a.docx');
  t.same(document.blocks, [
    { kind: 'heading', level: 1, text: '접근 통제 지침' },
    { kind: 'paragraph', text: '이용자는 인증을 거친다.' },
    {
      kind: 'table',
      rows: [
        ['구분', '기간'],
        ['일반', '5년'],
      ],
    },
  ]);
});

t.test('damaged, empty and swelling files are refused by name', async (t) => {
  const bytes = docxFile(docxParagraph('글'));
  await t.rejects(parseDocx(bytes.subarray(0, bytes.length - 60), 'd.docx'), {
    code: 'DOCUMENT_DAMAGED',
    message: /d\.docx/u,
  });
  await t.rejects(parseDocx(docxFile(docxParagraph('')), 'e.docx'), { code: 'DOCUMENT_EMPTY' });
  await t.rejects(parseDocx(zipFile({ 'word/document.xml': '<a/>' }, 0xf0000000), 'z.docx'), {
    code: 'DOCUMENT_TOO_COMPLEX',
    message: /unpacks to/u,
  });
});
