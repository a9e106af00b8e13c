import iconv from 'iconv-lite';
import t from 'tap';
import { HaetaeError } from '../../../shared/errors.js';
import { parseQuestionFile } from '../../../shared/question/question-file.js';

const limits = { maxRows: 100 };
const bytes = (text: string) => Buffer.from(text, 'utf8');
const parse = (text: string) => parseQuestionFile(bytes(text), limits);

async function refusal(input: string | Uint8Array, maxRows = 100): Promise<HaetaeError> {
  try {
    await parseQuestionFile(typeof input === 'string' ? bytes(input) : input, { maxRows });
  } catch (error) {
    if (error instanceof HaetaeError) return error;
    throw error;
  }
  throw new Error('the file was accepted');
}

t.test('rows keep their order, their text and the line they start on', async (t) => {
  const { rows, encoding, eol } = await parse('ID,Question\nB,"둘?\n1 a\n2 b"\n\nA, 하나? \n');
  t.strictSame(rows, [
    { id: 'B', question: '둘?\n1 a\n2 b', line: 2 },
    { id: 'A', question: ' 하나? ', line: 6 },
  ]);
  t.equal(encoding, 'utf-8');
  t.equal(eol, '\n');
});

t.test('columns may stand in any order beside others, with white space around their names', async (t) => {
  const { rows } = await parse('Note, Question ,ID\nx,왜?, Q1 \n');
  t.strictSame(rows, [{ id: 'Q1', question: '왜?', line: 2 }]);
});

t.test('every encoding and line break gives the same rows', async (t) => {
  const text = 'ID,Question\n가1,"다음 중 옳은 것은?\n① 똠방각하\n② ""따옴표"", 쉼표"\n나2,끝\n';
  const expected = (await parse(text)).rows;
  t.equal(expected[0]?.question, '다음 중 옳은 것은?\n① 똠방각하\n② "따옴표", 쉼표');
  const crlf = text.replaceAll('\n', '\r\n');
  const inputs: [string, string, Uint8Array][] = [
    ['utf-8-bom', '\n', bytes(`\uFEFF${text}`)],
    ['utf-8', '\r\n', bytes(crlf)],
    ['utf-8', '\r', bytes(text.replaceAll('\n', '\r'))],
    ['cp949', '\r\n', iconv.encode(crlf, 'cp949')],
    ['utf-16le', '\n', iconv.encode(`\uFEFF${text}`, 'utf-16le')],
    ['utf-8', '\n', bytes(text.slice(0, -1))],
  ];
  for (const [encoding, eol, input] of inputs) {
    const parsed = await parseQuestionFile(input, limits);
    t.strictSame(parsed, { rows: expected, encoding, eol }, `${encoding} ${JSON.stringify(eol)}`);
  }
});

t.test(
  'a file of many slices is read whole, wherever a line break or a quote meets the edge of one',
  async (t) => {
    for (let shift = 0; shift < 4; shift++) {
      const rows = Array.from(
        { length: 3000 },
        (_, i) => `Q${i},"질문 ${i} ${'x'.repeat(20 + (shift % 4))}\r\n1 ""a""\r\n2 b"`,
      );
      const text = `ID,Question\r\n${'\r\n'.repeat(shift)}${rows.join('\r\n')}\r\n`;
      const parsed = await parseQuestionFile(bytes(text), { maxRows: 3000 });
      t.equal(parsed.rows.length, 3000);
      t.ok(
        parsed.rows.every(({ id, line, question }, i) => {
          return id === `Q${i}` && line === 2 + shift + 3 * i && question.endsWith('\n1 "a"\n2 b');
        }),
      );
    }
  },
);

t.test('what is wrong is named with its row and line', async (t) => {
  const table: [string, string | Uint8Array, string, RegExp, object][] = [
    ['no bytes', '', 'CSV_EMPTY', /no bytes/, {}],
    ['only a mark', '\uFEFF', 'CSV_EMPTY', /blank/, {}],
    ['blank lines', '\n\r\n\n', 'CSV_EMPTY', /blank/, {}],
    ['header only', 'ID,Question\n', 'CSV_EMPTY', /no row/, {}],
    [
      'no ID',
      'Id,Question\na,b\n',
      'CSV_MISSING_COLUMN',
      /no column ID: it reads "Id", "Question"/,
      { column: 'ID' },
    ],
    ['semicolons', 'ID;Question\na;b\n', 'CSV_MISSING_COLUMN', /comma/, { column: 'ID' }],
    ['no Question', 'ID,Text\na,b\n', 'CSV_MISSING_COLUMN', /no column Question/, { column: 'Question' }],
    ['a column twice', 'ID,Question,ID\na,b,c\n', 'CSV_MALFORMED', /column ID twice/, { line: 1 }],
    [
      'a repeated ID',
      'ID,Question\na,x\nb,y\na,z\n',
      'CSV_DUPLICATE_ID',
      /Row 3 \(line 4\).*"a" of line 2/,
      { row: 3, line: 4, firstLine: 2 },
    ],
    [
      'a repeated ID but for white space',
      'ID,Question\na,x\n a,z\n',
      'CSV_DUPLICATE_ID',
      /Row 2/,
      { row: 2 },
    ],
    [
      'an empty ID',
      'ID,Question\na,x\n ,y\n',
      'CSV_EMPTY_CELL',
      /Row 2 \(line 3\).*empty ID/,
      { row: 2, column: 'ID' },
    ],
    [
      'an empty question',
      'ID,Question\na,"\n "\n',
      'CSV_EMPTY_CELL',
      /Row 1 \(line 2\).*empty Question/,
      { row: 1, column: 'Question' },
    ],
    [
      'too many cells',
      'ID,Question\na,x\n\nb,y,z\n',
      'CSV_MALFORMED',
      /Row 2 \(line 4\).*3 cells where the header has 2/,
      { row: 2, line: 4 },
    ],
    [
      'too few cells',
      'ID,Question\na\n',
      'CSV_MALFORMED',
      /Row 1 \(line 2\).*1 cells where the header has 2/,
      { row: 1 },
    ],
    [
      'a quote never closed',
      'ID,Question\na,"x\ny"\nb,"z\nc,d\n',
      'CSV_MALFORMED',
      /Row 2 \(line 4\).*never closed/,
      { row: 2, line: 4 },
    ],
    [
      'a quote never closed in the header',
      '"ID,Question\na,b\n',
      'CSV_MALFORMED',
      /header \(line 1\).*never closed/,
      { row: 0, line: 1 },
    ],
    [
      'text after a closing quote',
      'ID,Question\na,b\nb,"z"q\n',
      'CSV_MALFORMED',
      /Row 2 \(line 3\).*after the closing quote/,
      { row: 2 },
    ],
    [
      'a quote inside a bare cell',
      'ID,Question\na,z"q"\n',
      'CSV_MALFORMED',
      /Row 1 \(line 2\).*quote inside a cell/,
      { row: 1 },
    ],
    ['a NUL', 'ID,Question\na,b\nb,c\u0000d\n', 'CSV_MALFORMED', /Line 3.*NUL/, { line: 3 }],
    [
      'neither encoding',
      Buffer.from([...bytes('ID,Question\na,'), 0xff, 0xff, 0x0a]),
      'CSV_ENCODING',
      /neither/,
      {},
    ],
  ];
  for (const [name, input, code, message, data] of table) {
    const error = await refusal(input);
    t.equal(error.code, code, name);
    t.match(error.message, message, name);
    t.match(error.data, data, name);
  }
});

t.test('a limit on rows is held to the row', async (t) => {
  t.equal((await parseQuestionFile(bytes('ID,Question\na,b\nc,d\n'), { maxRows: 2 })).rows.length, 2);
  t.equal((await refusal('ID,Question\na,b\nc,d\n', 1)).code, 'CSV_TOO_MANY_ROWS');
});

t.test('IDs that are names of object members are ordinary IDs', async (t) => {
  const { rows } = await parse('ID,Question\n__proto__,a\nconstructor,b\n');
  t.strictSame(
    rows.map(({ id }) => id),
    ['__proto__', 'constructor'],
  );
});

t.test('other work gets its turns while a large file is read', async (t) => {
  let turns = 0;
  let reading = true;
  const tick = () => {
    turns += 1;
    if (reading) setImmediate(tick);
  };
  setImmediate(tick);
  await parseQuestionFile(
    bytes(`ID,Question\n${Array.from({ length: 5000 }, (_, i) => `${i},${'가'.repeat(100)}\n`).join('')}`),
    {
      maxRows: 5000,
    },
  );
  reading = false;
  t.ok(turns >= 10, `${turns} turns`);
});
