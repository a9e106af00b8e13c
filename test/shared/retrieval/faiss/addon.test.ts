import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { seededRandom } from '../../../../shared/random.js';
import { loadFaiss } from '../../../../shared/retrieval/faiss/addon.js';
import type { FaissIndex, MetricType } from '../../../../shared/retrieval/faiss/faiss-module.js';
import { bruteForce, randomVectors, wrongHits } from './random-vectors.js';

const reasons: string[] = [];
const loaded = loadFaiss(reasons);
if (!loaded) throw new Error(reasons.join('\n'));
const faiss = loaded;
const { METRIC_INNER_PRODUCT, METRIC_L2 } = faiss.MetricType;

const referenceDir = fileURLToPath(new URL('../../../reference/', import.meta.url));
const fixture = (name: string) => join(referenceDir, 'faiss', `${name}.faiss`);
interface Reference {
  dimension: number;
  k: number;
  vectors: number[];
  queries: number[];
  cases: {
    name: string;
    descriptor: string;
    metric: MetricType;
    searches: { params: string; labels: number[]; distances: number[] }[];
  }[];
}
const reference = JSON.parse(readFileSync(join(referenceDir, 'faiss.json'), 'utf8')) as Reference;

const supported = reference.cases.filter(({ searches }) => searches.length > 0);

const numbers = (labels: ArrayLike<number | bigint>) => Array.from(labels, Number);
const codeOf = (body: () => unknown): unknown => {
  try {
    body();
    return 'no error';
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

t.test('finds in files written by Python what Python finds in them', async (t) => {
  const queries = Float32Array.from(reference.queries);
  for (const { name, metric, searches } of supported)
    for (const mmap of [false, true]) {
      const index = faiss.Index.read(fixture(name), { mmap });
      t.equal(index.ntotal(), 150);
      t.equal(index.metricType(), metric);
      for (const { params, labels, distances } of searches) {
        const title = `${name} ${params} ${mmap ? 'mapped' : ''}`;
        for (const hits of [
          index.search(queries, reference.k, params),
          await index.searchAsync(queries, reference.k, params),
        ]) {
          t.strictSame(numbers(hits.labels), labels, title);
          t.ok(
            distances.every((value, i) => Math.abs(value - hits.distances[i]!) < 1e-5),
            `${title}: distances`,
          );
        }
      }
    }
});

t.test('keeps in the file what it can: flat inner product and inverted lists', (t) => {
  const mapped = supported
    .map(({ name }) => name)
    .filter((name) => faiss.Index.read(fixture(name), { mmap: true }).isMapped());
  t.strictSame(mapped, ['flat-ip', 'ivf-ip', 'ivf-hnsw']);
  const index = faiss.Index.read(fixture('flat-ip'), { mmap: true });
  t.strictSame(index.reconstruct(3, 2), Float32Array.from(reference.vectors.slice(48, 80)));
  t.ok(index.toBuffer().equals(readFileSync(fixture('flat-ip'))), 'writes what it read');
  t.equal(
    codeOf(() => index.add(new Float32Array(16))),
    'FAISS_ERROR',
    'is read-only',
  );
  t.equal(
    codeOf(() => index.removeIds([1])),
    'FAISS_ERROR',
  );
  t.equal(
    codeOf(() => index.reset()),
    'FAISS_ERROR',
  );
  t.end();
});

t.test('writes byte for byte what Python wrote', (t) => {
  for (const { name } of supported.filter(({ name }) => name !== 'idmap-big')) {
    const bytes = readFileSync(fixture(name));
    t.ok(faiss.Index.fromBuffer(bytes).toBuffer().equals(bytes), name);
  }
  const index = new faiss.IndexFlatIP(16);
  index.add(Float32Array.from(reference.vectors));
  t.ok(index.toBuffer().equals(readFileSync(fixture('flat-ip'))), 'a new index too');
  t.end();
});

t.test('describes an index as the factory would', (t) => {
  for (const { name, descriptor } of supported.filter(({ name }) => name !== 'hnsw-l2'))
    t.equal(faiss.Index.read(fixture(name)).describe(), name.startsWith('hnsw') ? 'HNSW4,Flat' : descriptor);
  t.end();
});

t.test('an exact search is the brute-force search, whatever the shapes', (t) => {
  const random = seededRandom(11);
  const between = (min: number, max: number) => min + Math.floor(random() * (max - min + 1));
  for (let round = 0; round < 120; round++) {
    const d = [1, 2, 7, 15, 16, 17, 31, 32, 33, 48, 100][round % 11]!;
    const n = between(1, 60);
    const nq = between(1, 9);
    const k = between(1, n + 5);
    const vectors = randomVectors(n, d, 2 * round);
    if (n > 3) vectors.copyWithin(0, 2 * d, 3 * d); // equal rows: ties
    const queries = randomVectors(nq, d, 2 * round + 1);
    for (const metric of ['inner-product', 'l2'] as const) {
      const index = metric === 'l2' ? new faiss.IndexFlatL2(d) : new faiss.IndexFlatIP(d);
      index.add(vectors);
      const { labels, distances } = index.search(queries, k);
      for (let q = 0; q < nq; q++) {
        const truth = bruteForce(vectors, d, queries.subarray(q * d, (q + 1) * d), metric);
        const hits = { labels: labels.subarray(q * k), distances: distances.subarray(q * k) };
        const wrong = wrongHits(hits, truth, k);
        if (wrong) t.fail(`${metric}, round ${round}: ${wrong}`);
      }
    }
  }
  t.pass();
  t.end();
});

t.test('a search over several threads gives the same hits, equal scores by row', (t) => {
  t.teardown(() => faiss.setOmpThreads(1));
  const d = 64;
  const vectors = randomVectors(9000, d, 5);
  for (const row of [1000, 4500, 8999]) vectors.copyWithin(row * d, 0, d);
  const index = new faiss.IndexFlatIP(d);
  index.add(vectors);
  const queries = vectors.slice(0, 6 * d);
  const one = index.search(queries, 20);
  t.strictSame(numbers(one.labels.subarray(0, 4)), [0, 1000, 4500, 8999]);
  for (const threads of [2, 3, 8]) {
    faiss.setOmpThreads(threads);
    t.strictSame(index.search(queries, 20), one, `${threads} threads`);
  }
  t.end();
});

t.test('has the classes and methods of faiss-node', (t) => {
  const index = new faiss.IndexFlatL2(2);
  t.ok(index instanceof faiss.Index && index instanceof faiss.IndexFlat);
  t.equal(index.isTrained(), true);
  index.add([1, 0, 1, 2, 1, 3]);
  index.add([1, 1]);
  t.equal(index.ntotal(), 4);
  t.equal(index.getDimension(), 2);
  t.strictSame(index.search([1, 0], 6), {
    labels: [0, 3, 1, 2, -1, -1],
    distances: [0, 1, 4, 9, 3.4028234663852886e38, 3.4028234663852886e38],
  });
  const other = new faiss.IndexFlatL2(2);
  other.mergeFrom(index);
  t.strictSame([index.ntotal(), other.ntotal()], [0, 4]);
  t.equal(other.removeIds([0, 2, 77]), 2);
  t.equal(other.removeIds(Int32Array.of(77)), 0);
  t.strictSame(other.search([1, 0], 2).labels, [1, 0], 'rows behind a removed one move up');
  const copy = faiss.IndexFlatL2.fromBuffer(other.toBuffer());
  t.ok(copy instanceof faiss.IndexFlatL2);
  t.strictSame(copy.reconstruct(0, 2), Float32Array.of(1, 2, 1, 1));
  const path = join(t.testdir(), 'l2.faiss');
  copy.write(path);
  t.equal(faiss.IndexFlatL2.read(path).ntotal(), 2);
  t.equal(
    codeOf(() => faiss.IndexFlatIP.read(path)),
    'INDEX_INVALID',
    'another metric',
  );
  t.equal(
    codeOf(() => faiss.IndexHNSWFlat.read(path)),
    'INDEX_INVALID',
    'another kind',
  );
  t.equal(faiss.Index.fromFactory(3, 'HNSW8', METRIC_L2).describe(), 'HNSW8,Flat');
  t.equal(new faiss.IndexHNSWFlat(3, 8).describe(), 'HNSW8,Flat');
  t.equal(new faiss.IndexIVFFlat(3, 5).describe(), 'IVF5,Flat');
  t.equal(new faiss.Index(3).metricType(), METRIC_L2);
  copy.reset();
  t.equal(copy.ntotal(), 0);
  t.end();
});

const d = 32;
const many = randomVectors(4000, d, 21);
const someQueries = randomVectors(50, d, 22);
const exact = new faiss.IndexFlatIP(d);
exact.add(many);
const truth = exact.search(someQueries, 10);
const ivf = new faiss.IndexIVFFlat(d, 64, METRIC_INNER_PRODUCT);
ivf.train(many);
ivf.add(many);
const hnsw = new faiss.IndexHNSWFlat(d, 16, METRIC_INNER_PRODUCT);
hnsw.add(many);

const recallOf = (index: FaissIndex, params: string): number => {
  const { labels } = index.search(someQueries, 10, params);
  let found = 0;
  for (let q = 0; q < 50; q++) {
    const expected = new Set(numbers(truth.labels.subarray(q * 10, q * 10 + 10)));
    for (const row of labels.subarray(q * 10, q * 10 + 10)) if (expected.has(Number(row))) found++;
  }
  return found / 500;
};

t.test('more probes and a wider search find more, all probes find everything', (t) => {
  const probes = [1, 4, 16, 64].map((nprobe) => recallOf(ivf, `nprobe=${nprobe}`));
  const widths = [16, 32, 64, 1000].map((efSearch) => recallOf(hnsw, `efSearch=${efSearch}`));
  for (const recalls of [probes, widths])
    t.ok(
      recalls.every((recall, i) => i === 0 || recall > recalls[i - 1]! - 0.01) &&
        recalls[0]! < recalls[3]! - 0.1,
      recalls.join(' '),
    );
  t.equal(probes[3], 1);
  t.ok(widths[3]! > 0.99, `${widths[3]}`);
  t.end();
});

t.test('parameters of a search do not outlive it; defaults do, also in the file', (t) => {
  const before = ivf.getParameters();
  t.equal(before, 'nprobe=1');
  recallOf(ivf, 'nprobe=64');
  t.equal(ivf.getParameters(), before);
  t.equal(recallOf(ivf, ''), recallOf(ivf, 'nprobe=1'));
  ivf.setParameters('nprobe=16,efSearch=64');
  t.equal(ivf.getParameters(), 'nprobe=16', 'what the index lacks is ignored');
  recallOf(ivf, 'nprobe=2');
  const copy = faiss.Index.fromBuffer(ivf.toBuffer());
  ivf.setParameters('nprobe=1');
  t.equal(copy.getParameters(), 'nprobe=16');
  t.equal(recallOf(copy, ''), recallOf(ivf, 'nprobe=16'));
  t.equal(exact.getParameters(), '');
  t.end();
});

t.test('searches at the same time do not see each other’s parameters', async (t) => {
  for (const [index, name, values] of [
    [ivf, 'nprobe', [1, 3, 64]],
    [hnsw, 'efSearch', [16, 40, 300]],
  ] as const) {
    const alone = values.map((value) => index.search(someQueries, 10, `${name}=${value}`));
    t.notSame(alone[0], alone[2], 'the parameter makes a difference here');
    const together = await Promise.all(
      Array.from({ length: 60 }, (_, i) => index.searchAsync(someQueries, 10, `${name}=${values[i % 3]}`)),
    );
    together.forEach((hits, i) => {
      if (!t.same(hits, alone[i % 3])) t.comment(`${name} ${i}`);
    });
  }
});

t.test('adding while searches are in flight waits for them and breaks none', async (t) => {
  const index = new faiss.IndexFlatIP(d);
  index.add(many.subarray(0, 2000 * d));
  const query = many.slice(3999 * d);
  const searches: Promise<{ labels: ArrayLike<number | bigint> }>[] = [];
  for (let i = 0; i < 40; i++) {
    searches.push(index.searchAsync(query, 1));
    index.add(many.subarray((2000 + 50 * i) * d, (2050 + 50 * i) * d));
  }
  searches.push(index.searchAsync(query, 1));
  const best = (await Promise.all(searches)).map(({ labels }) => Number(labels[0]));
  t.equal(best.at(-1), 3999);
  t.ok(best.every((row) => row >= 0 && row < 4000));
  t.equal(index.ntotal(), 4000);
});

t.test('the queries of an asynchronous search may be overwritten at once', async (t) => {
  const queries = someQueries.slice();
  const searching = exact.searchAsync(queries, 10);
  queries.fill(0);
  t.same(await searching, truth);
});

t.test('wrong arguments are errors with a code, and a reason', (t) => {
  const one = new Float32Array(d);
  const bad = (value: number) => Float32Array.from(one, (_, i) => (i === 5 ? value : 0));
  const untyped = exact as unknown as Record<string, (...values: unknown[]) => unknown>;
  const untrained = new faiss.IndexIVFFlat(d, 4);
  const cases: [unknown, RegExp, () => unknown][] = [
    ['RETRIEVAL_DIM_MISMATCH', /32 dimensions, got 31/, () => exact.search(new Float32Array(31), 1)],
    ['RETRIEVAL_DIM_MISMATCH', /32 dimensions/, () => exact.add(new Float32Array(33))],
    ['RETRIEVAL_DIM_MISMATCH', /32 dimensions/, () => untrained.train(new Float32Array(33))],
    ['RETRIEVAL_DIM_MISMATCH', /32 dimensions/, () => exact.searchAsync([1, 2], 1)],
    ['RETRIEVAL_PARAMETER', /empty/, () => exact.search(new Float32Array(0), 1)],
    ['RETRIEVAL_PARAMETER', /empty/, () => exact.add([])],
    ['RETRIEVAL_PARAMETER', /Float32Array/, () => untyped.add!(new Float64Array(d))],
    ['RETRIEVAL_PARAMETER', /Float32Array/, () => untyped.add!('x')],
    ['RETRIEVAL_PARAMETER', /Float32Array/, () => untyped.search!()],
    ['RETRIEVAL_PARAMETER', /numbers only/, () => untyped.add!(Array(d).fill('1'))],
    ['RETRIEVAL_PARAMETER', /NaN or Infinity at position 5/, () => exact.search(bad(Number.NaN), 1)],
    ['RETRIEVAL_PARAMETER', /NaN or Infinity/, () => exact.searchAsync(bad(Number.POSITIVE_INFINITY), 1)],
    ['RETRIEVAL_PARAMETER', /NaN or Infinity/, () => exact.add(bad(Number.NEGATIVE_INFINITY))],
    ['RETRIEVAL_PARAMETER', /k must be/, () => exact.search(one, 0)],
    ['RETRIEVAL_PARAMETER', /k must be/, () => exact.search(one, -1)],
    ['RETRIEVAL_PARAMETER', /k must be/, () => exact.search(one, 1.5)],
    ['RETRIEVAL_PARAMETER', /k must be/, () => exact.search(one, Number.NaN)],
    ['RETRIEVAL_PARAMETER', /k must be/, () => exact.search(one, 2 ** 31)],
    ['RETRIEVAL_PARAMETER', /k must be/, () => untyped.search!(one, '3')],
    ['RETRIEVAL_PARAMETER', /ask for fewer/, () => exact.search(one, 2 ** 31 - 1)],
    ['RETRIEVAL_PARAMETER', /got "abc"/, () => ivf.search(one, 1, 'nprobe=abc')],
    ['RETRIEVAL_PARAMETER', /from 1 to 65536, got "0"/, () => ivf.search(one, 1, 'nprobe=0')],
    ['RETRIEVAL_PARAMETER', /got "70000"/, () => ivf.setParameters('nprobe=70000')],
    ['RETRIEVAL_PARAMETER', /got "1e3"/, () => ivf.search(one, 1, 'nprobe=1e3')],
    ['RETRIEVAL_PARAMETER', /unknown search parameter "ht=3"/, () => exact.search(one, 1, 'ht=3')],
    ['RETRIEVAL_PARAMETER', /twice/, () => ivf.search(one, 1, 'nprobe=3,nprobe=4')],
    ['RETRIEVAL_PARAMETER', /string/, () => untyped.search!(one, 1, 7)],
    ['FAISS_ERROR', /not trained/, () => untrained.search(one, 1)],
    ['FAISS_ERROR', /not trained/, () => untrained.add(one)],
    ['FAISS_ERROR', /should be at least as large as number of clusters/, () => untrained.train(one)],
    ['FAISS_ERROR', /./, () => hnsw.removeIds([1])],
    ['FAISS_ERROR', /./, () => exact.mergeFrom(new faiss.IndexFlatIP(3))],
    ['RETRIEVAL_PARAMETER', /another Index/, () => exact.mergeFrom(exact)],
    ['RETRIEVAL_PARAMETER', /another Index/, () => untyped.mergeFrom!({})],
    ['RETRIEVAL_PARAMETER', /from 0 to 3999/, () => exact.reconstruct(4000)],
    ['RETRIEVAL_PARAMETER', /from 0 to 3999/, () => exact.reconstruct(-1)],
    ['RETRIEVAL_PARAMETER', /from 1 to 1,/, () => exact.reconstruct(3999, 2)],
    ['RETRIEVAL_PARAMETER', /empty/, () => new faiss.IndexFlatIP(3).reconstruct(0)],
    ['FAISS_ERROR', /not implemented/, () => faiss.Index.read(fixture('idmap-big')).reconstruct(0)],
    ['FAISS_ERROR', /add_with_ids/, () => faiss.Index.read(fixture('idmap-big')).add(new Float32Array(16))],
    ['RETRIEVAL_PARAMETER', /dimension/, () => new faiss.IndexFlatIP(0)],
    ['RETRIEVAL_PARAMETER', /dimension/, () => new faiss.IndexFlatIP(2.5)],
    ...[
      'Nonsense',
      '',
      'Flat,Flat',
      'IVF,Flat',
      'IVF0,Flat',
      'IVF4',
      'IVF16777217,Flat',
      'IVF4_HNSW1,Flat',
      'HNSW0',
    ]
      .concat(['HNSW1,Flat', 'HNSW513', 'HNSW9999999999', 'PQ0', 'NSG0', 'IVF4,SQ8', 'Pad2147483647,Flat'])
      .map((text): [unknown, RegExp, () => unknown] => [
        'RETRIEVAL_PARAMETER',
        new RegExp(`cannot build "${text}": use Flat`),
        () => new faiss.Index(3, text),
      ]),
    ['RETRIEVAL_PARAMETER', /metrics inner product and L2 only/, () => new faiss.Index(3, 'HNSW8', 20)],
    ['INDEX_INVALID', /kind IxPq are not supported/, () => faiss.Index.read(fixture('pq'))],
    ['RETRIEVAL_PARAMETER', /metric/, () => new faiss.Index(3, 'Flat', 7 as MetricType)],
    ['RETRIEVAL_PARAMETER', /threads/, () => faiss.setOmpThreads(0)],
    ['RETRIEVAL_PARAMETER', /zero byte/, () => exact.write('a\0b')],
    ['FAISS_ERROR', /cannot write/, () => exact.write('/nonexistent/folder/x.faiss')],
    ['FILE_NOT_FOUND', /no such file/i, () => faiss.Index.read('/nonexistent.faiss')],
    ['INDEX_INVALID', /not a file|directory/i, () => faiss.Index.read(referenceDir)],
    ['INDEX_INVALID', /not a FAISS index/, () => faiss.Index.fromBuffer(Buffer.from('hello, this is text'))],
    ['INDEX_INVALID', /not a FAISS index/, () => faiss.Index.fromBuffer(Buffer.alloc(0))],
  ];
  for (const [code, reason, body] of cases) {
    try {
      body();
      t.fail(`no error: ${body}`);
    } catch (error) {
      const title = String(body).slice(6);
      t.equal((error as { code?: unknown }).code, code, title);
      t.match((error as Error).message, reason, title);
    }
  }
  t.end();
});

t.test('an empty index has no hits; more hits than vectors are padded', (t) => {
  const lowest = -3.4028234663852886e38;
  const empties = [new faiss.IndexFlatIP(2), new faiss.IndexHNSWFlat(2, 4, METRIC_INNER_PRODUCT)];
  for (const index of empties)
    t.strictSame(index.search([1, 0], 2), { labels: [-1, -1], distances: [lowest, lowest] });
  const { labels, distances } = hnsw.search(someQueries.subarray(0, d), 5000, 'efSearch=5000');
  t.ok(Number(labels[3000]) >= 0 && labels[4500] === -1 && distances[4500] === Math.fround(lowest));
  t.end();
});

t.test('every kind gives its vectors back', (t) => {
  for (const index of [exact, ivf, hnsw]) {
    t.strictSame(index.reconstruct(3999), many.slice(3999 * d));
    t.strictSame(index.reconstruct(10, 20), many.slice(10 * d, 30 * d));
  }
  t.end();
});

t.test('ids beyond 32 bits come as BigInt64Array', (t) => {
  const { labels } = faiss.Index.read(fixture('idmap-big')).search(Float32Array.from(reference.queries), 2);
  t.ok(labels instanceof BigInt64Array && labels[0] === 2n ** 40n + 114n);
  t.end();
});

t.test('a file cut anywhere is refused', (t) => {
  const dir = t.testdir();
  for (const file of readdirSync(join(referenceDir, 'faiss'))) {
    const bytes = readFileSync(join(referenceDir, 'faiss', file));
    mkdirSync(join(dir, file));
    const lengths = [
      ...Array(140).keys(),
      ...Array.from({ length: 40 }, (_, i) => bytes.length - 1 - i * i * 5),
    ];
    for (const length of lengths.filter((length) => length >= 0 && length < bytes.length)) {
      const part = bytes.subarray(0, length);
      const path = join(dir, file, String(length));
      writeFileSync(path, part);
      const codes = [
        codeOf(() => faiss.Index.fromBuffer(part)),
        codeOf(() => faiss.Index.read(path)),
        codeOf(() => faiss.Index.read(path, { mmap: true })),
      ];
      if (codes.some((code) => code !== 'INDEX_INVALID')) t.fail(`${file} cut at ${length}: ${codes}`);
    }
  }
  t.pass();
  t.end();
});

t.test('a file with a changed byte is refused, or searched without harm', (t) => {
  const queries = Float32Array.from(reference.queries);
  const random = seededRandom(99);
  let refused = 0;
  let read = 0;
  for (const { name } of reference.cases) {
    const original = readFileSync(fixture(name));
    for (let round = 0; round < 250; round++) {
      const bytes = Buffer.from(original);
      const header = round % 2 === 0 ? 200 : bytes.length; // lengths and flags are mostly in front
      for (let i = 0; i <= round % 3; i++)
        bytes[Math.floor(random() * header)] = round % 5 === 0 ? 0xff : Math.floor(random() * 256);
      try {
        const index = faiss.Index.fromBuffer(bytes);
        const { labels } = index.search(queries.subarray(0, index.getDimension()), 3);
        if (labels.length !== 3) t.fail(`${name} ${round}: ${labels.length} labels`);
        read++;
      } catch (error) {
        const code = (error as { code?: unknown }).code;
        if (!['INDEX_INVALID', 'RETRIEVAL_DIM_MISMATCH', 'FAISS_ERROR'].includes(code as string))
          t.fail(`${code}`);
        refused++;
      }
    }
  }
  t.ok(refused > 300 && read > 300, `${refused} refused, ${read} read`);
  t.end();
});
