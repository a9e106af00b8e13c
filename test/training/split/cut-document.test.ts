import { readdir, readFile } from 'node:fs/promises';
import t from 'tap';
import { countTokens } from '../../../shared/text/token-count.js';
import type { Block } from '../../../training/documents/document.js';
import { parseMarkdown } from '../../../training/documents/markdown.js';
import { readSources } from '../../../training/licence/sources.js';
import { withoutBoilerplate } from '../../../training/split/boilerplate.js';
import { cutControls, cutProse } from '../../../training/split/cut-document.js';
import { sentencesOf } from '../../../training/split/sentences-of.js';
import { rowLine } from '../../../training/split/split-table.js';
import { assertChunk } from '../../../training/prepare/prepare-document.js';

const raw = new URL('../../../data/raw/', import.meta.url);
const source = {
  path: 'guide/a.b.md',
  title: 'README',
  publisher: 'P',
  licence: 'MIT',
  effective: '',
  url: 'u',
  domain: 'it',
};
const document = (blocks: Block[]) => ({ title: '', effective: '', blocks, lines: [], warnings: [] });
const sentences = (n: number, word: string): string =>
  Array.from({ length: n }, (_, i) => `${word} ${i}번 문장은 접근 통제와 암호화를 설명한다.`).join(' ');

t.test('headings become section and heading; long sections repeat their heading in every part', async (t) => {
  const chunks = cutProse(
    document([
      { kind: 'heading', level: 1, text: '보안 안내' },
      { kind: 'heading', level: 2, text: '접근 통제' },
      { kind: 'heading', level: 3, text: '원칙' },
      { kind: 'paragraph', text: sentences(60, '원칙') },
      { kind: 'heading', level: 2, text: '암호화' },
      { kind: 'paragraph', text: sentences(20, '암호') },
    ]),
    source,
  );
  t.ok(chunks.length >= 3);
  t.ok(chunks.every((chunk) => chunk.title === '보안 안내' && chunk.licence === 'MIT'));
  const parts = chunks.filter((chunk) => chunk.section === '접근 통제 > 원칙');
  t.same(
    parts.map((chunk) => chunk.chunkId),
    parts.map((_, i) => `guide/a.b#접근 통제 > 원칙@${i + 1}`),
  );
  t.ok(parts.every((chunk) => chunk.content.startsWith('원칙\n') && chunk.heading === '원칙'));
  t.ok(parts.every((chunk) => chunk.content.endsWith('설명한다.')));
  t.ok(chunks.some((chunk) => chunk.chunkId === 'guide/a.b#암호화'));
});

t.test(
  'large tables become chunks of their own under their heading, small ones stay in the text',
  async (t) => {
    const row = (i: number): string[] => [
      `위협 ${i}`,
      '무단 접근을 막기 위해 인증을 강화한다',
      '연 1회 점검한다',
    ];
    const large = Array.from({ length: 60 }, (_, i) => row(i));
    const chunks = cutProse(
      document([
        { kind: 'heading', level: 2, text: '위협 목록' },
        { kind: 'paragraph', text: '다음 표와 같다.' },
        { kind: 'table', rows: [['위협', '대책', '주기'], ...large] },
        { kind: 'heading', level: 2, text: '요약' },
        { kind: 'paragraph', text: sentences(3, '요약') },
        { kind: 'table', rows: [['가', '나'], row(1)] },
      ]),
      source,
    );
    const tables = chunks.filter((chunk) => chunk.kind === 'table');
    t.ok(tables.length > 1);
    t.ok(tables[0]?.content.startsWith('위협 목록\n다음 표와 같다.\n위협 | 대책 | 주기\n'));
    t.ok(tables.slice(1).every((chunk) => chunk.content.startsWith('위협 목록\n위협 | 대책 | 주기\n')));
    t.ok(tables.every((chunk) => chunk.tokenCount <= 600));
    t.ok(chunks.some((chunk) => chunk.kind === 'prose' && chunk.content.includes('가 | 나')));
  },
);

t.test('code is kept to its first lines', async (t) => {
  const text = Array.from({ length: 100 }, (_, i) => `line${i}();`).join('\n');
  const [chunk] = cutProse(
    document([
      { kind: 'paragraph', text: '예제이다.' },
      { kind: 'code', text },
    ]),
    source,
  );
  t.match(chunk?.content, /^예제이다\.\nline0\(\);/u);
  t.match(chunk?.content, /\n…$/u);
  t.ok((chunk?.tokenCount ?? 999) < 150);
});

t.test('a document of boilerplate gives no chunk', async (t) => {
  t.same(cutProse(document([{ kind: 'heading', level: 1, text: '퀴즈' }]), source), []);
});

t.test('controls are one chunk each, named by their id', async (t) => {
  const [chunk] = cutControls(
    document([
      { kind: 'heading', level: 2, text: '2.5.4 비밀번호 관리' },
      { kind: 'paragraph', text: '비밀번호를 안전하게 관리하여야 한다.' },
    ]),
    { ...source, path: 'admrule/C.json' },
  );
  t.match(chunk, {
    chunkId: 'admrule/C#2.5.4',
    section: '2.5.4',
    heading: '비밀번호 관리',
    kind: 'control',
    content: '2.5.4 비밀번호 관리\n비밀번호를 안전하게 관리하여야 한다.',
  });
});

t.test(
  'the real guides: every sentence stands in a chunk, every chunk is valid and within its limit',
  async (t) => {
    const sources = readSources(await readFile(new URL('sources.csv', raw)));
    const names = (await readdir(new URL('guide-md/', raw))).sort();
    t.equal(names.length, 153);
    const ids = new Set<string>();
    let inRange = 0;
    let tokens = 0;
    for (const name of names) {
      const path = `guide-md/${name.normalize('NFC')}`;
      const entry = sources.get(path);
      if (entry === undefined) return t.fail(`${path} has no row`);
      const parsed = await parseMarkdown(
        await readFile(new URL(`guide-md/${encodeURIComponent(name)}`, raw)),
        path,
      );
      const chunks = cutProse(parsed, entry);
      for (const chunk of chunks) {
        assertChunk(chunk, path);
        if (chunk.tokenCount > 600) t.fail(`${chunk.chunkId} has ${chunk.tokenCount} tokens`);
        if (chunk.tokenCount !== countTokens(chunk.content)) t.fail(`${chunk.chunkId}: wrong count`);
        if (ids.has(chunk.chunkId)) t.fail(`${chunk.chunkId} stands twice`);
        ids.add(chunk.chunkId);
        tokens += chunk.tokenCount;
        if (chunk.tokenCount >= 300) inRange += chunk.tokenCount;
      }
      const contents = chunks.map((chunk) => chunk.content);
      for (const text of textsOf(withoutBoilerplate(parsed.blocks))) {
        if (!contents.some((content) => content.includes(text))) t.fail(`${path} lost: ${text}`);
      }
    }
    t.ok(ids.size > 400, `${ids.size} chunks`);
    t.ok(inRange / tokens > 0.8, 'most text stands in chunks of 300 to 600 tokens');
  },
);

function textsOf(blocks: readonly Block[]): string[] {
  return blocks.flatMap((block) => {
    if (block.kind === 'heading' || block.kind === 'code') return [];
    if (block.kind === 'table') return block.rows.map(rowLine);
    return sentencesOf(block.text, 200).map((sentence) => sentence.text.trim());
  });
}

t.test('a title that is only a file name gives way to the main heading', async (t) => {
  const blocks: Block[] = [
    { kind: 'heading', level: 3, text: '배지' },
    { kind: 'paragraph', text: sentences(2, '배지') },
    { kind: 'heading', level: 1, text: '보안 과정' },
    { kind: 'paragraph', text: sentences(2, '과정') },
  ];
  t.equal(cutProse(document(blocks), source)[0]?.title, '보안 과정');
  t.equal(cutProse(document(blocks), { ...source, title: '교재' })[0]?.title, '교재');
});
