import { parse } from 'csv-parse/sync';
import t from 'tap';
import { csvCell, submissionHeader, submissionLine } from '../../../shared/question/submission-file.js';

t.test('what a reader reads is what was written, whatever the cells hold', async (t) => {
  const cells = [
    '1',
    '',
    '쉼표, 있음',
    '"따옴표"',
    '줄\n바꿈',
    'CR\r\nLF',
    ' 앞뒤 ',
    '=1+1',
    ',',
    '"',
    '①',
    'a\tb',
    '\u2028',
  ];
  const rows = cells.flatMap((answer, i) => [
    { id: `Q${i}`, answer },
    { id: `${answer}-${i}`, answer: `${answer}${answer}` },
  ]);
  const text = submissionHeader('utf-8') + rows.map(submissionLine).join('');
  const read = parse(text, { columns: true });
  t.strictSame(
    read.map((row) => ({ ...(row as object) })),
    rows.map(({ id, answer }) => ({ ID: id, Answer: answer })),
  );
});

t.test('a bare cell stays bare', async (t) => {
  t.equal(submissionLine({ id: 'TEST_000', answer: '3' }), 'TEST_000,3\n');
  t.equal(csvCell('a,b'), '"a,b"');
  t.equal(csvCell('a"b'), '"a""b"');
});

t.test('a byte-order mark is written for a file that came from a spreadsheet', async (t) => {
  t.equal(submissionHeader('utf-8'), 'ID,Answer\n');
  for (const encoding of ['utf-8-bom', 'cp949', 'utf-16le', 'utf-16be'] as const) {
    t.equal(submissionHeader(encoding), '\uFEFFID,Answer\n', encoding);
  }
});
