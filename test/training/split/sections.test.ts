import t from 'tap';
import type { Block } from '../../../training/documents/document.js';
import { mergeParts, partsOf } from '../../../training/split/sections.js';

const heading = (level: number, text: string): Block => ({ kind: 'heading', level, text });
const paragraph = (words: number): Block => ({
  kind: 'paragraph',
  text: Array(words).fill('가나').join(' '),
}); // 2 tokens a word
const document = (blocks: Block[], title = '') => ({ title, effective: '', blocks, lines: [], warnings: [] });

t.test('the only highest heading at the start is the title and no part of a path', async (t) => {
  const { title, parts } = partsOf(
    document([heading(1, '제목.'), heading(2, '[개요]'), paragraph(3), heading(3, '세부:'), paragraph(2)]),
  );
  t.equal(title, '제목');
  t.same(
    parts.map((part) => part.path),
    [['개요'], ['개요', '세부']],
  );
});

t.test('the first of several equal headings is no title', async (t) => {
  const { title, parts } = partsOf(
    document([heading(2, '가'), paragraph(1), heading(2, '나'), paragraph(1)]),
  );
  t.equal(title, '');
  t.same(
    parts.map((part) => part.path),
    [['가'], ['나']],
  );
});

t.test('headings without content leave nothing', async (t) => {
  t.same(partsOf(document([heading(1, '제목'), heading(2, '빈 절'), heading(2, '빈 절 둘')])).parts, []);
});

t.test('a document that fits becomes one section', async (t) => {
  const { parts } = partsOf(
    document([heading(2, '가'), paragraph(20), heading(2, '나'), paragraph(20)], '글'),
  );
  const sections = mergeParts(parts, 300, 600);
  t.equal(sections.length, 1);
  t.same(sections[0]?.path, []);
});

t.test('small neighbours under one heading are merged, strangers are not', async (t) => {
  const blocks = [
    heading(1, '가'),
    heading(2, '하나'),
    paragraph(80),
    heading(2, '둘'),
    paragraph(80),
    heading(1, '나'),
    heading(2, '셋'),
    paragraph(200),
  ];
  const sections = mergeParts(partsOf(document(blocks, '글')).parts, 300, 600);
  t.same(
    sections.map(({ path, parts }) => [path, parts.length]),
    [
      [['가'], 2],
      [['나', '셋'], 1],
    ],
  );
});

t.test('a crumb joins its relative even where both exceed the limit', async (t) => {
  const blocks = [paragraph(10), heading(2, '가'), paragraph(320), heading(2, '나'), paragraph(5)];
  t.equal(mergeParts(partsOf(document(blocks, '글')).parts, 300, 600).length, 1);
});
