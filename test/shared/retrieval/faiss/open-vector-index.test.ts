import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openVectorIndex } from '../../../../shared/retrieval/faiss/open-vector-index.js';
import { writeFlatFile } from '../../../../shared/retrieval/flat-file.js';
import { randomVectors } from './random-vectors.js';

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../reference/faiss/${name}.faiss`, import.meta.url));
const query = randomVectors(2, 16, 1);

t.test('opens flat, IVF and HNSW files through the addon, without a warning', async (t) => {
  for (const [name, description] of [
    ['flat-ip', 'Flat'],
    ['ivf-ip', 'IVF6,Flat'],
    ['hnsw-ip', 'HNSW4,Flat'],
  ] as const) {
    const { index, warnings } = await openVectorIndex(fixture(name), { mmap: true, threads: 1 });
    t.strictSame([index.description, index.size, index.dimension, warnings], [description, 150, 16, []]);
    const { labels } = await index.searchAsync(query, 3, 'nprobe=6,efSearch=150');
    const exact = await (await openVectorIndex(fixture('flat-ip'))).index.searchAsync(query, 3);
    t.strictSame(labels, exact.labels);
  }
});

t.test('falls back to the exact scan with the same hits and a warning that says why', async (t) => {
  const native = await openVectorIndex(fixture('flat-ip'));
  const { index, warnings } = await openVectorIndex(fixture('flat-ip'), {
    faiss: undefined,
    faissNode: undefined,
  });
  t.equal(warnings.length, 1);
  t.match(warnings[0], /exact scan/);
  const params = 'nprobe=3';
  t.strictSame(
    (await index.searchAsync(query, 7, params)).labels,
    (await native.index.searchAsync(query, 7, params)).labels,
  );
  await t.rejects(openVectorIndex(fixture('ivf-ip'), { faiss: undefined, faissNode: undefined }), {
    code: 'INDEX_INVALID',
    message: /not a flat FAISS index/,
  });
});

t.test('without the addon says how faiss-node was looked for', async (t) => {
  const { warnings } = await openVectorIndex(fixture('flat-ip'), { faiss: undefined });
  t.match(warnings[0], /faiss-node/);
});

t.test('uses faiss-node where only that is there, and shields it from wrong arguments', async (t) => {
  const calls: [number, number][] = [];
  const faissNode = {
    source: 'faiss-node',
    Index: {
      read: () => ({
        ntotal: () => 2,
        getDimension: () => 16,
        search: (x: number[], k: number) => {
          calls.push([x.length, k]);
          return { labels: [1, 0, 0, 1], distances: [0.5, 0.25, 1, 0] };
        },
      }),
    },
  } as const;
  const { index, warnings } = await openVectorIndex('any', { faiss: undefined, faissNode });
  t.match(warnings[0], /faiss-node is used/);
  const { labels, distances } = await index.searchAsync(query, 3);
  t.strictSame(calls, [[32, 2]], 'never asks for more than there is');
  t.strictSame(labels, Int32Array.of(1, 0, -1, 0, 1, -1));
  t.strictSame(distances.slice(0, 2), Float32Array.of(0.5, 0.25));
  for (const [bad, k, params] of [
    [new Float32Array(3), 1, ''],
    [query, 0, ''],
    [query, 1, 'nprobe=x'],
  ] as const)
    await t.rejects(index.searchAsync(bad, k, params), { name: 'HaetaeError', code: /^RETRIEVAL_/ });
  t.equal(calls.length, 1);
});

t.test('errors are of the table, whoever searches', async (t) => {
  const dir = t.testdir({ 'text.faiss': 'this is no index' });
  await writeFlatFile(join(dir, 'ok.faiss'), {
    dimension: 2,
    size: 2,
    metric: 'inner-product',
    vectors: Float32Array.of(1, 0, 0, 1),
  });
  for (const fallback of [{}, { faiss: undefined, faissNode: undefined }]) {
    await t.rejects(openVectorIndex(join(dir, 'absent'), fallback), {
      name: 'HaetaeError',
      code: 'FILE_NOT_FOUND',
    });
    await t.rejects(openVectorIndex(join(dir, 'text.faiss'), fallback), {
      name: 'HaetaeError',
      code: 'INDEX_INVALID',
      message: /text\.faiss/,
    });
    const { index } = await openVectorIndex(join(dir, 'ok.faiss'), fallback);
    for (const [queries, k, params, code] of [
      [new Float32Array(3), 1, '', 'RETRIEVAL_DIM_MISMATCH'],
      [new Float32Array(2), 0, '', 'RETRIEVAL_PARAMETER'],
      [new Float32Array(2), 1, 'nprobe=abc', 'RETRIEVAL_PARAMETER'],
    ] as const)
      await t.rejects(index.searchAsync(queries, k, params), { name: 'HaetaeError', code });
  }
  await t.rejects(openVectorIndex(join(dir, 'ok.faiss'), { threads: 0 }), { code: 'RETRIEVAL_PARAMETER' });
});
