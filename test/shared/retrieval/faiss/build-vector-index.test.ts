import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  buildVectorIndex,
  listCount,
  meanRecall,
} from '../../../../shared/retrieval/faiss/build-vector-index.js';
import { openVectorIndex } from '../../../../shared/retrieval/faiss/open-vector-index.js';
import { randomVectors } from './random-vectors.js';

const d = 24;
const n = 3000;
const vectors = randomVectors(n, d, 1);

t.test('a small set is searched exactly', async (t) => {
  const path = join(t.testdir(), 'index.faiss');
  const report = await buildVectorIndex(vectors, d, { path });
  t.match(report, {
    kind: 'flat',
    description: 'Flat',
    metric: 'inner-product',
    dimension: d,
    size: n,
    bytes: 45 + 4 * n * d,
    searchParams: '',
    recallAt10: 1,
    warnings: [],
  });
  const { index } = await openVectorIndex(path);
  t.strictSame([index.description, index.size, index.dimension], ['Flat', n, d]);
  const { labels } = await index.searchAsync(vectors.subarray(7 * d, 8 * d), 1);
  t.equal(Number(labels[0]), 7, 'ids are row numbers');
});

t.test('a large one gets inverted lists whose nprobe reaches the recall', async (t) => {
  const path = join(t.testdir(), 'index.faiss');
  const report = await buildVectorIndex(vectors, d, { path, flatLimit: n - 1, targetRecall: 0.9 });
  t.match(report, { kind: 'ivf', description: 'IVF76,Flat', recallQueries: 200, bytes: statSync(path).size });
  t.ok(report.recallAt10! >= 0.9 && report.recallAt10! < 1, `${report.recallAt10}`);

  // The recall that is reported is the recall that is served: measured again, from the outside, on other queries.
  const exactPath = join(t.testdirName, 'exact.faiss');
  await buildVectorIndex(vectors, d, { path: exactPath });
  const queries = randomVectors(200, d, 2);
  const truth = await (await openVectorIndex(exactPath)).index.searchAsync(queries, 10);
  const { index } = await openVectorIndex(path);
  const recall = async (params?: string) => {
    const found = await index.searchAsync(queries, 10, params);
    const sets = ({ labels }: { labels: ArrayLike<number | bigint> }) =>
      Array.from({ length: 200 }, (_, q) => new Set(Array.from(labels, Number).slice(q * 10, q * 10 + 10)));
    return meanRecall(sets(truth), sets(found));
  };
  t.ok(Math.abs((await recall()) - report.recallAt10!) < 0.1);
  t.equal(await recall(), await recall(report.searchParams), 'the default in the file is the tuned one');
  t.ok((await recall('nprobe=1')) < 0.7, 'without tuning it would be poor');
});

t.test('the graph on demand, tuned by efSearch', async (t) => {
  const path = join(t.testdir(), 'index.faiss');
  const report = await buildVectorIndex(vectors, d, { path, kind: 'hnsw', m: 8, targetRecall: 0.97 });
  t.equal(report.description, 'HNSW8,Flat');
  t.match(report.searchParams, /^efSearch=[0-9]+$/);
  t.ok(report.recallAt10! >= 0.97);
});

t.test('the same input gives the same file', async (t) => {
  const dir = t.testdir();
  for (const kind of ['flat', 'ivf', 'hnsw'] as const) {
    const build = (name: string) => buildVectorIndex(vectors, d, { path: join(dir, name), kind, m: 4 });
    const { trainMs: _t1, addMs: _a1, ...first } = await build('a');
    const { trainMs: _t2, addMs: _a2, ...second } = await build('b');
    t.strictSame(first, second);
    t.ok(readFileSync(join(dir, 'a')).equals(readFileSync(join(dir, 'b'))), kind);
  }
  t.strictSame(readdirSync(dir).sort(), ['a', 'b'], 'nothing temporary is left');
});

t.test('given queries are measured as they are', async (t) => {
  const path = join(t.testdir(), 'index.faiss');
  const queries = randomVectors(30, d, 5);
  const report = await buildVectorIndex(vectors, d, {
    path,
    kind: 'ivf',
    nlist: 16,
    queries,
    targetRecall: 1,
  });
  t.match(report, { recallQueries: 30, recallAt10: 1, searchParams: /^nprobe=(8|16)$/ });
});

t.test('without the addon a flat index is written and the report says so', async (t) => {
  const path = join(t.testdir(), 'index.faiss');
  const report = await buildVectorIndex(vectors, d, { path, kind: 'ivf', faiss: undefined });
  t.match(report, { kind: 'flat', description: 'Flat', recallAt10: 1, warnings: [/instead of ivf/] });
  t.equal((await openVectorIndex(path)).index.size, n);
});

t.test('the number of lists is 8·√n, but every list has its 39 training points', (t) => {
  t.equal(listCount(1_000_000), 8000);
  t.equal(listCount(100_000), 2530);
  t.equal(listCount(50_001), 1282);
  t.equal(listCount(10), 1);
  for (const size of [40, 1000, 50_001, 97_000, 1e6]) t.ok(size / listCount(size) >= 39, `${size}`);
  t.end();
});

t.test('one vector, equal vectors and zero vectors are ordinary input', async (t) => {
  const dir = t.testdir();
  for (const [name, matrix] of [
    ['one', randomVectors(1, d, 3)],
    ['zeros', new Float32Array(200 * d)],
    ['equal', new Float32Array(200 * d).fill(0.2)],
  ] as const)
    for (const kind of ['flat', 'ivf', 'hnsw'] as const) {
      const path = join(dir, `${name}-${kind}`);
      const report = await buildVectorIndex(matrix, d, { path, kind });
      t.equal(report.size, matrix.length / d, `${name} ${kind}`);
      const { labels } = await (await openVectorIndex(path)).index.searchAsync(matrix.subarray(0, d), 1);
      t.ok(Number(labels[0]) >= 0);
    }
});

t.test('wrong input is refused before anything is written', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'index.faiss');
  const nan = vectors.slice();
  nan[5 * d + 1] = Number.NaN;
  for (const [matrix, dimension, options, expected] of [
    [vectors, 23, {}, { code: 'RETRIEVAL_DIM_MISMATCH' }],
    [vectors, 0, {}, { code: 'RETRIEVAL_PARAMETER' }],
    [new Float32Array(0), d, {}, { code: 'RETRIEVAL_PARAMETER', message: /no vectors/ }],
    [nan, d, {}, { code: 'RETRIEVAL_PARAMETER', message: /vector 5 / }],
    [vectors, d, { kind: 'ivf', nlist: 0 }, { code: 'RETRIEVAL_PARAMETER', message: /nlist/ }],
    [vectors, d, { kind: 'ivf', nlist: n + 1 }, { code: 'RETRIEVAL_PARAMETER', message: /nlist/ }],
    [vectors, d, { kind: 'ivf', queries: new Float32Array(5) }, { code: 'RETRIEVAL_DIM_MISMATCH' }],
    [vectors, d, { kind: 'hnsw', m: 0 }, { code: 'RETRIEVAL_PARAMETER' }],
  ] as const)
    await t.rejects(buildVectorIndex(matrix, dimension, { path, ...options }), {
      name: 'HaetaeError',
      ...expected,
    });
  t.strictSame(readdirSync(dir), []);
  await t.rejects(buildVectorIndex(vectors, d, { path: join(dir, 'no', 'folder') }), { name: 'HaetaeError' });
});
