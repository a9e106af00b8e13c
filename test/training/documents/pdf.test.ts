import { readFileSync } from 'node:fs';
import t from 'tap';
import { defaultPdfLimits, parsePdf, parsePdfWithin } from '../../../training/documents/pdf.js';
import { tinyPdf } from './tiny-pdf.js';

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url)));
const words = { x: 50, y: 700, text: 'Transport layer security protects data.' };

t.test('text comes out in reading order, whatever the order in the file', async (t) => {
  const pdf = tinyPdf([
    {
      lines: [
        { x: 50, y: 600, text: 'Second paragraph.' },
        { x: 50, y: 700, text: 'First paragraph.' },
      ],
    },
  ]);
  t.same((await parsePdf(pdf, 'a.pdf')).lines, ['First paragraph.', 'Second paragraph.']);
});

t.test(
  'running heads, feet and page numbers are left out, and a repeated sentence in the text is not',
  async (t) => {
    const pages = [1, 2, 3, 4].map((n) => ({
      lines: [
        { x: 400, y: 810, text: 'Security rules' },
        { x: 50, y: 500, text: 'The same sentence.' },
        { x: 290, y: 30, text: `- ${n} -` },
      ],
    }));
    t.same((await parsePdf(tinyPdf(pages), 'a.pdf')).lines, Array(4).fill('The same sentence.'));
  },
);

t.test('a wrapped line is joined and a short one ends its paragraph', async (t) => {
  const full = 'This line is long enough to reach the right margin of the column that it is';
  const pdf = tinyPdf([
    {
      lines: [
        { x: 50, y: 700, size: 12, text: full },
        { x: 50, y: 684, size: 12, text: 'set in. It ends here.' },
        {
          x: 50,
          y: 668,
          size: 12,
          text: 'A new paragraph follows, also long enough to reach the right margin of it',
        },
        { x: 50, y: 652, size: 12, text: 'and so on.' },
      ],
    },
  ]);
  t.same((await parsePdf(pdf, 'a.pdf')).lines, [
    `${full} set in. It ends here.`,
    'A new paragraph follows, also long enough to reach the right margin of it and so on.',
  ]);
});

t.test('a table becomes rows of cells separated by bars', async (t) => {
  const row = (y: number, cells: string[]) => cells.map((text, i) => ({ x: 50 + 150 * i, y, text }));
  const lines = [
    { x: 50, y: 760, text: 'Ports in use:' },
    ...row(700, ['Port', 'Service', 'Transport']),
    ...row(684, ['22', 'SSH', 'TCP']),
    ...row(668, ['53', 'DNS', 'UDP']),
  ];
  const document = await parsePdf(tinyPdf([{ lines }]), 'a.pdf');
  t.same(document.lines, ['Ports in use:', 'Port | Service | Transport', '22 | SSH | TCP', '53 | DNS | UDP']);
  t.same(document.blocks.at(-1), {
    kind: 'table',
    rows: [
      ['Port', 'Service', 'Transport'],
      ['22', 'SSH', 'TCP'],
      ['53', 'DNS', 'UDP'],
    ],
  });
});

t.test('a page without text among pages with text is reported', async (t) => {
  const document = await parsePdf(
    tinyPdf([{ lines: [words] }, { image: true }, { lines: [words] }]),
    'a.pdf',
  );
  t.match(document.warnings, [/page 2 yields no text/]);
});

t.test('each kind of unusable file gets its own error, which names the file', async (t) => {
  const good = tinyPdf([{ lines: [words] }, { lines: [words] }]);
  const cases: [string, Uint8Array, string][] = [
    ['empty', new Uint8Array(0), 'DOCUMENT_EMPTY'],
    ['no PDF at all', new TextEncoder().encode('<html>404</html>'), 'DOCUMENT_DAMAGED'],
    ['cut off in the middle', good.slice(0, good.length / 2), 'DOCUMENT_DAMAGED'],
    ['cut off before its cross-reference table', good.slice(0, good.length - 200), 'DOCUMENT_DAMAGED'],
    ['a header and an end without a body', new TextEncoder().encode('%PDF-1.4\n%%EOF'), 'DOCUMENT_DAMAGED'],
    ['locked with a password', fixture('encrypted.pdf'), 'DOCUMENT_ENCRYPTED'],
    ['images only', tinyPdf([{ image: true }, { image: true }]), 'DOCUMENT_SCANNED'],
    ['damaged streams', fixture('corrupt.pdf'), 'DOCUMENT_UNREADABLE'],
    [
      'text that maps to no characters',
      tinyPdf([{ content: Buffer.from('BT /F1 10 Tf 50 700 Td (\\001\\002\\003\\004\\005\\006) Tj ET') }]),
      'DOCUMENT_UNREADABLE',
    ],
  ];
  for (const [name, bytes, code] of cases)
    await t.rejects(parsePdf(bytes, 'kept/here.pdf'), { code, message: /^kept\/here\.pdf: / }, name);
});

t.test('limits on bytes, pages, text items and operators are held', async (t) => {
  const pdf = tinyPdf(Array(5).fill({ lines: [words, { ...words, y: 600 }] }));
  for (const limit of [{ maxBytes: 100 }, { maxPages: 4 }, { maxItems: 3 }, { maxOperators: 10 }])
    await t.rejects(
      parsePdfWithin(pdf, 'a.pdf', { ...defaultPdfLimits, ...limit }),
      { code: 'DOCUMENT_TOO_COMPLEX' },
      JSON.stringify(limit),
    );
});

t.test('an aborted signal stops the work', async (t) => {
  await t.rejects(parsePdf(tinyPdf([{ lines: [words] }]), 'a.pdf', AbortSignal.abort()), {
    name: 'AbortError',
  });
});

t.test('the bytes that were handed in stay usable', async (t) => {
  const pdf = tinyPdf([{ lines: [words] }]);
  const { length } = pdf;
  await parsePdf(pdf, 'a.pdf');
  t.equal(pdf.length, length);
  t.same((await parsePdf(pdf, 'a.pdf')).lines, [words.text]);
});
