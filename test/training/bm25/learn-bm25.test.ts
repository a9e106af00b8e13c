import { readFileSync } from 'node:fs';
import t from 'tap';
import { rankingDifference } from '../../../bench/bm25.js';
import { Bm25Index } from '../../../shared/retrieval/bm25/bm25-index.js';
import { validateFrozen } from '../../../shared/retrieval/bm25/frozen-bm25.js';
import type { Terms } from '../../../shared/text/tokenize.js';
import { freezeBm25, learnBm25, searchWink } from '../../../training/bm25/learn-bm25.js';

const asWink = { morphemes: 1, bigrams: 1 };

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const names = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  ' ',
  'length',
  '0',
  '1',
  '금융',
  '😀',
];

function randomTerms(random: () => number, longest: number): Terms {
  const term = () =>
    random() < 0.1 ? names[Math.floor(random() * names.length)]! : `t${Math.floor(200 * random() ** 2)}`;
  const field = () => Array.from({ length: Math.floor(random() * longest) }, term);
  return { morphemes: field(), bigrams: field() };
}

t.test('the frozen index ranks as wink does, repeated query terms and property names included', async (t) => {
  for (const params of [
    { k1: 0.6, b: 0.75, k: 1 },
    { k1: 1.2, b: 0, k: 1 },
    { k1: 2, b: 1, k: 3 },
    { k1: 0, b: 0.5, k: 1 },
  ]) {
    const random = seeded(41);
    const learnt = learnBm25(
      Array.from({ length: 250 }, () => randomTerms(random, 50)),
      params,
    );
    const index = new Bm25Index(freezeBm25(learnt, 'test'));
    for (let i = 0; i < 60; i += 1) {
      const query = randomTerms(random, 14);
      const wink = searchWink(learnt, query, 10);
      const expected = { rows: wink.map(([row]) => row), scores: wink.map(([, score]) => score) };
      t.equal(
        rankingDifference(expected, index.search(query, 10, asWink)),
        null,
        JSON.stringify({ params, query }),
      );
    }
  }
});

t.test('a term that occurs twice in the query counts twice, as in wink', async (t) => {
  const documents = ['가 나', '가 다', '나 다 라'].map((text) => ({
    morphemes: text.split(' '),
    bigrams: [],
  }));
  const learnt = learnBm25(documents);
  const once = searchWink(learnt, { morphemes: ['라'], bigrams: [] }, 1)[0]![1];
  const twice = searchWink(learnt, { morphemes: ['라', '라'], bigrams: [] }, 1)[0]![1];
  t.ok(Math.abs(twice - 2 * once) < 1e-9);
});

t.test('what is frozen is valid and has one row per document', async (t) => {
  const random = seeded(5);
  const frozen = freezeBm25(learnBm25(Array.from({ length: 30 }, () => randomTerms(random, 20))), 'v1');
  validateFrozen(frozen);
  t.equal(frozen.docCount, 30);
  t.equal(frozen.tokenizerVersion, 'v1');
  t.ok(frozen.rows instanceof Uint16Array);
});

t.test('collections too small for wink can be learnt', async (t) => {
  for (let count = 0; count < 3; count += 1) {
    const documents = Array.from({ length: count }, (_, i) => ({ morphemes: [`t${i}`], bigrams: [] }));
    const index = new Bm25Index(freezeBm25(learnBm25(documents), 'test'));
    t.equal(index.docCount, count);
    t.same([...index.search({ morphemes: ['t0', 't1'], bigrams: [] }, 5).rows], [0, 1].slice(0, count));
  }
});

t.test('documents without terms are rows that no query finds', async (t) => {
  const empty = { morphemes: [], bigrams: [] };
  const index = new Bm25Index(
    freezeBm25(learnBm25([empty, { morphemes: ['가'], bigrams: [] }, empty, empty]), 'test'),
  );
  t.equal(index.docCount, 4);
  t.same([...index.search({ morphemes: ['가'], bigrams: [] }, 5).rows], [1]);
});

t.test('parameters out of range are refused', async (t) => {
  for (const params of [
    { k1: -1, b: 0.75, k: 1 },
    { k1: 1.2, b: 1.5, k: 1 },
    { k1: 1.2, b: 0.75, k: 0 },
    { k1: Number.NaN, b: 0.75, k: 1 },
  ]) {
    t.throws(() => learnBm25([], params), { code: 'RETRIEVAL_PARAMETER' }, JSON.stringify(params));
  }
});

t.test('scores agree with bm25s (method lucene, times k1 + 1) to float32 rounding', async (t) => {
  const reference = JSON.parse(
    readFileSync(new URL('../../reference/bm25.json', import.meta.url), 'utf8'),
  ) as {
    corpus: string[][];
    queries: string[][];
    cases: { k1: number; b: number; scores: number[][] }[];
  };
  const terms = (tokens: string[]): Terms => ({ morphemes: tokens, bigrams: [] });
  for (const { k1, b, scores } of reference.cases) {
    const index = new Bm25Index(freezeBm25(learnBm25(reference.corpus.map(terms), { k1, b, k: 1 }), 'test'));
    let largest = 0;
    reference.queries.forEach((tokens, i) => {
      index.scoreAll(terms(tokens), asWink).forEach((score, row) => {
        const expected = scores[i]![row]!;
        largest = Math.max(largest, Math.abs(score - expected) / Math.max(expected, 1e-3));
      });
    });
    t.ok(largest < 1e-5, `k1 ${k1}, b ${b}: ${largest}`);
  }
});
