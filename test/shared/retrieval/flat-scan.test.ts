import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import { loadFaiss } from '../../../shared/retrieval/faiss/addon.js';
import { FlatScan } from '../../../shared/retrieval/flat-scan.js';
import { bruteForce, randomVectors, wrongHits } from './faiss/random-vectors.js';

const faiss = loadFaiss();
if (!faiss) throw new Error('build the addon first: sh scripts/build-native.sh');

t.test('finds what Python’s FAISS finds in the same file', async (t) => {
  const reference = fileURLToPath(new URL('../../reference/', import.meta.url));
  const { queries, cases } = JSON.parse(readFileSync(join(reference, 'faiss.json'), 'utf8')) as {
    queries: number[];
    cases: { name: string; searches: { labels: number[]; distances: number[] }[] }[];
  };
  for (const name of ['flat-ip', 'flat-l2']) {
    const index = await FlatScan.open(join(reference, 'faiss', `${name}.faiss`));
    t.strictSame([index.dimension, index.size, index.description], [16, 150, 'Flat']);
    const hits = await index.searchAsync(Float32Array.from(queries), 5);
    const expected = cases.find((each) => each.name === name)!.searches[0]!;
    t.strictSame(Array.from(hits.labels, Number), expected.labels, name);
    t.ok(expected.distances.every((value, i) => Math.abs(value - hits.distances[i]!) < 1e-5));
  }
});

t.test('finds what the addon and the brute-force search find, whatever the shapes', async (t) => {
  const random = seededRandom(3);
  const between = (min: number, max: number) => min + Math.floor(random() * (max - min + 1));
  for (let round = 0; round < 100; round++) {
    const d = between(1, 40);
    const n = between(1, 80);
    const nq = between(1, 5);
    const k = between(1, n + 4);
    const metric = round % 2 === 0 ? 'inner-product' : 'l2';
    const vectors = randomVectors(n, d, 2 * round);
    if (n > 2) vectors.copyWithin(0, 2 * d, 3 * d);
    const queries = randomVectors(nq, d, 2 * round + 1);
    const hits = await new FlatScan({ dimension: d, size: n, metric, vectors }).searchAsync(queries, k);
    const native = metric === 'l2' ? new faiss.IndexFlatL2(d) : new faiss.IndexFlatIP(d);
    native.add(vectors);
    const expected = native.search(queries, k);
    for (let q = 0; q < nq; q++) {
      const truth = bruteForce(vectors, d, queries.subarray(q * d, (q + 1) * d), metric);
      for (const { labels, distances } of [hits, expected]) {
        const wrong = wrongHits(
          { labels: labels.subarray(q * k), distances: distances.subarray(q * k) },
          truth,
          k,
        );
        if (wrong) t.fail(`round ${round}: ${wrong}`);
      }
    }
    const padding = k > n ? [hits.distances.at(-1), hits.labels.at(-1)] : [];
    t.strictSame(padding, k > n ? [expected.distances.at(-1), expected.labels.at(-1)] : []);
  }
});

t.test('equal scores come by row', async (t) => {
  const index = new FlatScan({
    dimension: 1,
    size: 6,
    metric: 'inner-product',
    vectors: Float32Array.of(1, 2, 1, 2, 1, 2),
  });
  const { labels } = await index.searchAsync(Float32Array.of(1), 4);
  t.strictSame(labels, Int32Array.of(1, 3, 5, 0));
});

t.test('other work gets its turn during a long search, and cannot change the queries', async (t) => {
  const d = 256;
  const n = 40_000;
  const vectors = new Float32Array(n * d).fill(0.5);
  vectors.fill(1, 30_000 * d, 30_001 * d);
  const index = new FlatScan({ dimension: d, size: n, metric: 'inner-product', vectors });
  const query = new Float32Array(d).fill(1);
  let turns = 0;
  let searching = true;
  const count = () => {
    turns++;
    query.fill(0);
    if (searching) setImmediate(count);
  };
  setImmediate(count);
  const { labels, distances } = await index.searchAsync(query, 1);
  searching = false;
  t.ok(turns >= 2, `${turns} turns`);
  t.strictSame([labels[0], distances[0]], [30_000, 256]);
});

t.test('refuses what the addon refuses, with the same codes', async (t) => {
  const vectors = randomVectors(5, 4, 1);
  const scan = new FlatScan({ dimension: 4, size: 5, metric: 'inner-product', vectors });
  const native = new faiss.IndexFlatIP(4);
  native.add(vectors);
  const one = new Float32Array(4);
  const cases: [Float32Array, number, string?][] = [
    [new Float32Array(3), 1],
    [new Float32Array(0), 1],
    [Float32Array.of(1, Number.NaN, 0, 0), 1],
    [Float32Array.of(1, Number.NEGATIVE_INFINITY, 0, 0), 1],
    [one, 0],
    [one, 1.5],
    [one, 2 ** 31],
    [one, 2 ** 30],
    [one, 1, 'nprobe=x'],
    [one, 1, 'x=1'],
    [one, 1, 'nprobe=1,'],
  ];
  for (const [queries, k, params] of cases) {
    const codeOf = (error: unknown) => (error as { code: unknown }).code;
    const ours = await scan.searchAsync(queries, k, params).then(() => 'none', codeOf);
    const theirs = await Promise.resolve()
      .then(() => native.searchAsync(queries, k, params))
      .then(() => 'none', codeOf);
    t.equal(ours, theirs, `${queries} ${k} ${params}`);
    t.match(ours, /^RETRIEVAL_/);
  }
});
