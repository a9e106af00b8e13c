import t from 'tap';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { removeDuplicates } from '../../../training/prepare/duplicates.js';

const chunk = (source: string, section: string, content: string, over: Partial<Chunk> = {}): Chunk => ({
  chunkId: `법(2025-01-01)#${section}`,
  content,
  source,
  title: '법',
  section,
  domain: 'law',
  licence: 'public-domain',
  effective: '2025-01-01',
  qualityScore: 9,
  tokenCount: 3,
  kind: 'article',
  heading: '',
  publisher: '',
  url: '',
  ...over,
});

t.test('the same article of the same statute in two formats is kept once', async (t) => {
  const { kept, duplicates } = removeDuplicates([
    chunk('a.pdf', '제1조', '목적이다.\n끝'),
    chunk('b.md', '제1조', '목적이다. 끝'),
  ]);
  t.same(
    kept.map(({ source }) => source),
    ['a.pdf'],
  );
  t.same(duplicates.dropped, [
    { chunkId: '법(2025-01-01)#제1조', source: 'b.md', sameAs: '법(2025-01-01)#제1조' },
  ]);
  t.same(duplicates.similarDocuments, [{ sources: ['a.pdf', 'b.md'], share: 1 }]);
  t.equal(duplicates.sameTitle[0]?.documents.length, 2);
});

t.test('two dated versions stay apart, and so does equal text of another section or title', async (t) => {
  const { kept, duplicates } = removeDuplicates([
    chunk('a.pdf', '제1조', '같다.'),
    chunk('b.pdf', '제1조', '같다.', { effective: '2019-01-01', chunkId: 'b#제1조' }),
    chunk('a.pdf', '제2조', '같다.'),
    chunk('c.pdf', '제1조', '같다.', { title: '다른 법', chunkId: 'c#제1조' }),
  ]);
  t.equal(kept.length, 4);
  t.same(duplicates.dropped, []);
  t.equal(duplicates.similarDocuments.length, 3, 'but they are reported');
});

t.test('ids stay unique where two documents claim the same one with different text', async (t) => {
  const { kept } = removeDuplicates([chunk('a.pdf', '제1조', '가.'), chunk('b.md', '제1조', '나.')]);
  t.same(
    kept.map(({ chunkId }) => chunkId),
    ['법(2025-01-01)#제1조', '법(2025-01-01)#제1조~2'],
  );
});
