import { readFile } from 'node:fs/promises';
import iconv from 'iconv-lite';
import t from 'tap';
import { readSources } from '../../../training/licence/sources.js';

const header = 'path,title,publisher,license,effective,url,domain';
const read = (text: string) => readSources(Buffer.from(text));

t.test('the real table is read whole', async (t) => {
  const entries = readSources(await readFile(new URL('../../../data/raw/sources.csv', import.meta.url)));
  t.equal(entries.size, 237);
  t.match(entries.get('law-pdf/개인정보 보호법.pdf'), { licence: 'public-domain', domain: 'law' });
});

t.test('quotes, a byte-order mark, CRLF, other column orders and CP949 are read', async (t) => {
  const text = `domain,license,path,title,publisher,effective,url,note\r\nit,MIT,a/b.md,"가, ""나""",P,20250801,u,x\r\n`;
  const expected = {
    path: 'a/b.md',
    title: '가, "나"',
    publisher: 'P',
    licence: 'MIT',
    effective: '2025-08-01',
    url: 'u',
    domain: 'it',
  };
  t.same(read(`\ufeff${text}`).get('a/b.md'), expected);
  t.same(readSources(iconv.encode(text, 'cp949')).get('a/b.md'), expected);
});

t.test('decomposed names meet composed ones', async (t) => {
  t.ok(read(`${header}\n${'법.md'.normalize('NFD')},법,p,MIT,,,law\n`).has('법.md'));
});

const malformed: [title: string, text: string, message: RegExp][] = [
  ['a missing column', 'path,title\na.md,A\n', /lacks the columns publisher, license/u],
  ['a row with too few cells', `${header}\na.md,A,p\n`, /line 2/u],
  ['an open quote', `${header}\n"a.md,A,p,MIT,,,x\n`, /not valid CSV/u],
  ['an absolute path', `${header}\n/etc/passwd,A,p,MIT,,,x\n`, /line 2.*relative path/u],
  ['a path that climbs', `${header}\na.md,A,p,MIT,,,x\n../b.md,A,p,MIT,,,x\n`, /line 3.*relative path/u],
  ['no title', `${header}\na.md,,p,MIT,,,x\n`, /line 2: a\.md has no title/u],
  ['a wrong date', `${header}\na.md,A,p,MIT,tomorrow,,x\n`, /line 2.*tomorrow/u],
  [
    'two rows for one file',
    `${header}\na.md,A,p,MIT,,,x\nb.md,B,p,MIT,,,x\na.md,C,p,MIT,,,x\n`,
    /a\.md \(lines 2, 4\)/u,
  ],
];
for (const [title, text, message] of malformed) {
  t.test(`${title} is refused, naming the row`, async (t) => {
    t.throws(() => read(text), { code: 'SOURCES_INVALID', message });
  });
}

t.test('bytes that are no text are refused', async (t) => {
  t.throws(() => readSources(Buffer.from([0, 1, 2])), { code: 'SOURCES_INVALID' });
});
