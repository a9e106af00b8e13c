import { appendFile, cp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import iconv from 'iconv-lite';
import t, { type Test } from 'tap';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { lastPrepareOptions, prepare } from '../../../training/prepare/prepare.js';
import { summary } from '../../../training/prepare/prepare-command.js';
import { docxFile, docxParagraph } from '../../fixtures/docx-file.js';

const header = 'path,title,publisher,license,effective,url,domain';
const row = (path: string, licence = 'MIT'): string =>
  `${path},제목 ${path},출판사,${licence},,https://example.org,it`;
const body = (topic: string): string =>
  `## ${topic}\n\n${topic}의 원칙은 최소 권한이다. 모든 접근은 기록하고 정기적으로 점검하며, 이상 징후는 즉시 보고한다.\n`;
const statute =
  '---\n제목: 시험법\n법령구분: 법률\n시행일자: 2025-01-01\n---\n\n# 시험법\n\n' +
  [1, 2, 3, 4].map((n) => `##### 제${n}조 (제목${n})\n\n금융회사는 제${n}항의 의무를 진다.\n`).join('\n');

async function folder(t: Test): Promise<{ rawDir: string; outDir: string }> {
  const dir = t.testdir({ raw: {}, work: {} });
  const rawDir = join(dir, 'raw');
  const files: Record<string, string | Uint8Array> = {
    'a.md': body('접근 통제'),
    'b.html': `<h1>암호화</h1><p>${body('키 관리').slice(8)}</p>`,
    'c.txt': iconv.encode(body('망 분리'), 'cp949'),
    'd.docx': docxFile(docxParagraph('백업', 'Heading1') + docxParagraph(body('복구').slice(7))),
    'e.json': '[{"id":"1.1","title":"참여","text":"경영진이 참\\n여하여야 한다."}]',
    'f.md': statute,
    'sources.csv': [
      header,
      ...['a.md', 'b.html', 'c.txt', 'd.docx', 'e.json', 'f.md'].map((path) => row(path)),
    ].join('\n'),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(rawDir, name), content);
  return { rawDir, outDir: join(dir, 'work') };
}

async function chunksIn(outDir: string): Promise<Chunk[]> {
  const text = await readFile(join(outDir, 'chunks.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Chunk);
}

t.test('every format becomes chunks that carry licence and source', async (t) => {
  const options = await folder(t);
  const report = await prepare(options);
  const chunks = await chunksIn(options.outDir);
  t.same(
    report.files.map(({ path, format, kind }) => [path, format, kind]),
    [
      ['a.md', 'markdown', 'prose'],
      ['b.html', 'html', 'prose'],
      ['c.txt', 'text', 'prose'],
      ['d.docx', 'docx', 'prose'],
      ['e.json', 'controls', 'controls'],
      ['f.md', 'markdown', 'statute'],
    ],
  );
  t.same(
    [...new Set(chunks.map(({ source }) => source))],
    ['a.md', 'b.html', 'c.txt', 'd.docx', 'e.json', 'f.md'],
  );
  t.ok(chunks.every(({ licence, publisher }) => licence === 'MIT' && publisher === '출판사'));
  t.equal(chunks.filter(({ kind }) => kind === 'article').length, 4);
  t.equal(chunks.find(({ kind }) => kind === 'control')?.content, '1.1 참여\n경영진이 참여하여야 한다.');
  t.equal(report.totals.chunks, chunks.length);
  t.match(report.licences, [
    { publisher: '출판사', licence: 'MIT', documents: 6, attributionRequired: true },
  ]);
  t.match(summary(report, options.outDir, 1), /6 documents.*\n(?:.*\n)*next +haetae train index/u);
});

t.test('an unchanged run is skipped; a changed document alone is parsed anew', async (t) => {
  const options = await folder(t);
  await prepare(options);
  const first = await readFile(join(options.outDir, 'chunks.jsonl'), 'utf8');
  const again = await prepare(options);
  t.equal(again.unchanged, true);
  t.match(summary(again, options.outDir, 0), /nothing changed/u);

  await appendFile(join(options.rawDir, 'a.md'), '\n새로운 문장을 더한다.\n');
  const changed = await prepare(options);
  t.equal(changed.unchanged, false);
  t.same(
    changed.files.filter((file) => !file.cached).map((file) => file.path),
    ['a.md'],
  );
  t.ok((await chunksIn(options.outDir)).some(({ content }) => content.includes('새로운 문장을 더한다.')));
  t.equal((await readdir(join(options.outDir, 'cache/prepare'))).length, 6, 'the old entry is gone');

  await writeFile(join(options.rawDir, 'a.md'), body('접근 통제'));
  await prepare(options);
  t.equal(
    await readFile(join(options.outDir, 'chunks.jsonl'), 'utf8'),
    first,
    'the same input gives the same bytes',
  );
});

t.test('a changed row of the table reaches the chunks; a lost output is made again', async (t) => {
  const options = await folder(t);
  await prepare(options);
  const table = await readFile(join(options.rawDir, 'sources.csv'), 'utf8');
  await writeFile(join(options.rawDir, 'sources.csv'), table.replace('제목 e.json', '새 제목'));
  const report = await prepare(options);
  t.equal(report.files.filter((file) => !file.cached).length, 1);
  t.ok((await chunksIn(options.outDir)).some(({ title }) => title === '새 제목'));
  await rm(join(options.outDir, 'chunks.jsonl'));
  t.equal((await prepare(options)).unchanged, false);
  t.ok((await chunksIn(options.outDir)).length > 0);
});

t.test('what cannot be taken is skipped by name and reason, and the run goes on', async (t) => {
  const options = await folder(t);
  const { rawDir } = options;
  await writeFile(join(rawDir, 'empty.md'), '');
  await writeFile(join(rawDir, 'binary.txt'), Buffer.from([0, 1, 2, 3]));
  await writeFile(join(rawDir, 'broken.pdf'), 'no PDF at all');
  await writeFile(join(rawDir, 'norow.md'), body('출처 없음'));
  await writeFile(join(rawDir, 'closed.md'), body('비영리'));
  await writeFile(join(rawDir, 'tool.exe'), 'MZ');
  await symlink('/etc/hostname', join(rawDir, 'link.txt'));
  const rows = ['empty.md', 'binary.txt', 'broken.pdf', 'tool.exe', 'link.txt', 'gone.md'].map((path) =>
    row(path),
  );
  await appendFile(
    join(rawDir, 'sources.csv'),
    `\n${[...rows, row('closed.md', 'CC-BY-NC-4.0')].join('\n')}\n`,
  );
  const report = await prepare(options);
  t.equal(report.totals.documents, 6);
  t.same(report.skipped.map(({ path, code }) => [path, code]).sort(), [
    ['binary.txt', 'DOCUMENT_UNREADABLE'],
    ['broken.pdf', 'DOCUMENT_DAMAGED'],
    ['closed.md', 'LICENCE_NOT_ALLOWED'],
    ['empty.md', 'DOCUMENT_EMPTY'],
    ['link.txt', 'DOCUMENT_REFUSED'],
    ['norow.md', 'LICENCE_MISSING'],
    ['tool.exe', 'DOCUMENT_UNSUPPORTED'],
  ]);
  t.ok(report.skipped.every(({ path, message }) => message.includes(path)));
  t.same(report.missingFiles, ['gone.md']);
  t.same(JSON.parse(await readFile(join(options.outDir, 'prepare.report.json'), 'utf8')), report);

  await t.rejects(prepare({ ...options, strict: true }), { code: 'DOCUMENT_REFUSED', message: /7 files/u });
  const allowed = await prepare({ ...options, allow: ['CC-BY-NC'], allowUnknown: true });
  t.equal(allowed.totals.documents, 8);
  t.ok(
    (await chunksIn(options.outDir)).some(
      ({ source, licence }) => source === 'norow.md' && licence === 'unknown',
    ),
  );
});

t.test('a run that was stopped goes on from its cache', async (t) => {
  const options = await folder(t);
  const stop = new AbortController();
  let ticks = 0;
  const progress = () => ({
    tick: () => {
      ticks += 1;
      if (ticks === 3) stop.abort();
    },
    stop: () => {},
  });
  await t.rejects(prepare({ ...options, signal: stop.signal, progress }), { name: 'AbortError' });
  t.notOk((await readdir(options.outDir)).includes('chunks.jsonl'), 'no half-written result');
  const report = await prepare(options);
  t.same(
    report.files.map((file) => file.cached),
    [true, true, true, false, false, false],
  );
});

t.test('a folder of nothing usable, without a table, or that is not there, is an error', async (t) => {
  const dir = t.testdir({ none: { 'sources.csv': `${header}\n` }, bare: { 'a.md': body('가') } });
  await t.rejects(prepare({ rawDir: join(dir, 'none'), outDir: join(dir, 'w1') }), {
    code: 'DOCUMENT_EMPTY',
  });
  await t.rejects(prepare({ rawDir: join(dir, 'bare'), outDir: join(dir, 'w2') }), {
    code: 'FILE_NOT_FOUND',
    message: /sources\.csv.*--allow-unknown/u,
  });
  await t.rejects(prepare({ rawDir: join(dir, 'x'), outDir: join(dir, 'w3') }), { code: 'FILE_NOT_FOUND' });
  t.equal(
    (await prepare({ rawDir: join(dir, 'bare'), outDir: join(dir, 'w2'), allowUnknown: true })).totals
      .documents,
    1,
  );
});

t.test('the real guides and controls go through whole', async (t) => {
  const real = fileURLToPath(new URL('../../../data/raw/', import.meta.url));
  const dir = t.testdir({});
  for (const part of ['guide-md', 'admrule', 'sources.csv'])
    await cp(join(real, part), join(dir, 'raw', part), { recursive: true });
  const report = await prepare({ rawDir: join(dir, 'raw'), outDir: join(dir, 'work') });
  t.equal(report.totals.documents, 154);
  t.same(report.skipped, []);
  t.equal(report.totals.byKind.control, 101);
  t.equal(report.missingFiles.length, 83, 'the statutes are not in this folder');
  const chunks = await chunksIn(join(dir, 'work'));
  t.equal(new Set(chunks.map(({ chunkId }) => chunkId)).size, chunks.length, 'ids are unique');
  const named = report.licences.filter((entry) => entry.attributionRequired).map((entry) => entry.licence);
  t.same(named, ['CC-BY-4.0', 'MIT', 'CC-BY-SA-4.0', 'MIT']);
});

t.test('what was allowed last is known to a later run, which then has nothing to do', async (t) => {
  const options = await folder(t);
  const { outDir } = options;
  t.strictSame(await lastPrepareOptions(outDir), {}, 'nothing was prepared yet');
  await prepare({ ...options, allow: ['Own-2', 'Own-1'], allowUnknown: true });
  const last = await lastPrepareOptions(outDir);
  t.strictSame(last, { allow: ['Own-1', 'Own-2'], allowUnknown: true });
  t.equal((await prepare({ ...options, ...last })).unchanged, true);
  for (const damaged of ['{', 'null', '{"options":{"allow":"MIT","allowUnknown":"yes"}}']) {
    await writeFile(join(outDir, 'prepare.manifest.json'), damaged);
    t.strictSame(await lastPrepareOptions(outDir), {}, damaged);
  }
});
