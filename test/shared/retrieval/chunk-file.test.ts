import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { formatChunks, readChunks } from '../../../shared/retrieval/chunk-file.js';
import { fakeRetrieval } from '../../fixtures/fake-results.js';

const path = join(t.testdir({}), 'chunks.jsonl');
const chunk = (fakeRetrieval('본문').passages[0] as { chunk: Chunk }).chunk;

t.test('chunks come back as they were written', async (t) => {
  const chunks = [chunk, { ...chunk, chunkId: 'b', content: '줄\n바꿈 "따옴표" \u2028 끝' }];
  await writeFile(path, formatChunks(chunks));
  t.strictSame(await readChunks(path), chunks);
  await writeFile(path, '');
  t.strictSame(await readChunks(path), []);
});

t.test('a line that is no chunk is named', async (t) => {
  const table: [line: string, message: RegExp][] = [
    ['{', /line 2 is not JSON/],
    ['[]', /line 2 is not a chunk/],
    ['null', /line 2 is not a chunk/],
    [JSON.stringify({ ...chunk, content: '' }), /line 2 is not a chunk: \/content/],
    [JSON.stringify({ ...chunk, qualityScore: 11 }), /line 2 is not a chunk: \/qualityScore/],
    [JSON.stringify({ ...chunk, extra: 1 }), /line 2 is not a chunk/],
    [JSON.stringify({ ...chunk, kind: 'poem' }), /line 2 is not a chunk: \/kind/],
  ];
  for (const [line, message] of table) {
    await writeFile(path, `${formatChunks([chunk])}${line}\n`);
    await t.rejects(readChunks(path), { code: 'INDEX_INVALID', message }, line);
  }
});

t.test('a file that is not there says how to make it', async (t) => {
  await t.rejects(readChunks(`${path}.no`), { code: 'FILE_NOT_FOUND', message: /haetae train prepare/ });
});
