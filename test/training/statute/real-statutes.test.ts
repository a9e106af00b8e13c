/**
 * Real statutes against `test/reference/statute-articles.json`, which poppler and a crude pattern made without
 * any of our code: the same articles in the same order, and every character in the same order.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { parsePdf } from '../../../training/documents/pdf.js';
import { auditStatute } from '../../../training/statute/audit.js';
import { isStatute } from '../../../training/statute/cut-statute.js';
import { isStatuteMarkdown, parseStatuteMarkdown } from '../../../training/statute/statute-markdown.js';

interface Reference {
  articles: string[];
  characters: number;
  sha256?: string;
}
const root = new URL('../../../', import.meta.url);
const reference = JSON.parse(
  readFileSync(new URL('test/reference/statute-articles.json', root), 'utf8'),
) as Record<string, Reference>;
const bytesOf = (path: string) => new Uint8Array(readFileSync(new URL(`data/raw/${encodeURI(path)}`, root)));
const source = (path: string) => ({
  path,
  title: path,
  publisher: '',
  licence: 'public-domain',
  effective: '',
  url: '',
  domain: 'law',
});

const prints: [path: string, effective: string][] = [
  ['law-pdf/전자금융거래법 시행령.pdf', '2024-12-27'],
  ['law-pdf/전자금융감독규정(2019-01-01).pdf', '2019-01-01'],
  ['law-pdf/전자금융감독규정(2025-02-05).pdf', '2025-02-05'],
  ['law-pdf/금융기관검사및제재에관한규정.pdf', '2023-11-03'],
  ['law-pdf/정보보호 관리등급 부여에 관한 고시.pdf', '2017-08-24'],
];
for (const [path] of prints)
  t.test(`${path} holds every article and character of the print`, async (t) => {
    const expected = reference[path]!;
    const document = await parsePdf(bytesOf(path), path);
    const audit = auditStatute(document, source(path));
    t.ok(isStatute(document));
    t.same(audit.articles, expected.articles);
    t.equal(audit.lost, 0);
    t.same(audit.broken, []);
    const solid = document.lines.join('').replace(/[\s·ㆍ]/g, '');
    t.equal(solid.length, expected.characters);
    t.equal(createHash('sha256').update(solid).digest('hex'), expected.sha256);
  });

t.test('every statute in Markdown holds every article and character of its file', async (t) => {
  const folder = new URL('data/raw/law-md/', root);
  t.ok(existsSync(folder));
  for (const name of readdirSync(folder)) {
    const path = `law-md/${name.normalize('NFC')}`;
    const bytes = new Uint8Array(readFileSync(new URL(encodeURIComponent(name), folder)));
    const document = await parseStatuteMarkdown(bytes, path);
    const audit = auditStatute(document, source(path));
    const expected = reference[path]!;
    t.ok(isStatuteMarkdown(bytes) && isStatute(document), path);
    t.same([audit.articles, audit.lost, audit.broken], [expected.articles, 0, []], path);
    t.equal(audit.characters, expected.characters, path);
    t.match(document.effective, /^\d{4}-\d{2}-\d{2}$/, path);
  }
});
