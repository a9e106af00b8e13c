import t from 'tap';
import { Bm25Index } from '../../../../shared/retrieval/bm25/bm25-index.js';
import type { FrozenBm25 } from '../../../../shared/retrieval/bm25/frozen-bm25.js';
import { packVocabulary } from '../../../../shared/retrieval/bm25/vocabulary.js';

/** A matrix of term → row → score. */
function frozenOf(docCount: number, columns: Record<string, Record<number, number>>): FrozenBm25 {
  const names = Object.keys(columns);
  const entries = names.map((name) => Object.entries(columns[name]!));
  const indptr = new Uint32Array(names.length + 1);
  entries.forEach((column, i) => {
    indptr[i + 1] = indptr[i]! + column.length;
  });
  return {
    params: { k1: 1.2, b: 0.75, k: 1 },
    tokenizerVersion: 'test',
    docCount,
    ...packVocabulary(names),
    indptr,
    rows: Uint16Array.from(entries.flat(), ([row]) => Number(row)),
    scores: Float32Array.from(entries.flat(), ([, score]) => score),
    docLengths: Float32Array.from({ length: docCount }, (_, row) => row + 1),
  };
}

const small = new Bm25Index(
  frozenOf(4, {
    'm:은행': { 0: 1, 2: 2 },
    'm:회사': { 0: 1, 1: 3, 3: 2 },
    'b:은행': { 2: 4 },
    'm:__proto__': { 3: 1 },
  }),
);
const query = (morphemes: string[], bigrams: string[] = []) => ({ morphemes, bigrams });

t.test('a score is the sum of the weighted columns of the query', async (t) => {
  const hits = small.search(query(['은행', '회사'], ['은행']), 10);
  t.same([...hits.rows], [2, 1, 0, 3]);
  t.same([...hits.scores], [4, 3, 2, 2]);
  t.same([...small.scoreAll(query(['은행', '회사'], ['은행']))], [2, 3, 4, 2]);
});

t.test('field weights are chosen per query', async (t) => {
  const hits = small.search(query(['은행'], ['은행']), 10, { morphemes: 2, bigrams: 0 });
  t.same([...hits.rows], [2, 0]);
  t.same([...hits.scores], [4, 2]);
  for (const weight of [-1, Number.NaN, Number.POSITIVE_INFINITY, 1e-9]) {
    t.throws(() => small.search(query(['은행']), 1, { morphemes: weight, bigrams: 1 }), {
      code: 'RETRIEVAL_PARAMETER',
    });
  }
});

t.test('a term that occurs twice in the query counts twice', async (t) => {
  t.same([...small.search(query(['은행', '은행']), 10).scores], [4, 2]);
});

t.test('unknown terms, property names and empty queries are ordinary', async (t) => {
  t.equal(small.search(query([]), 5).rows.length, 0);
  t.equal(small.search(query(['모름', 'constructor', 'toString', 'm:은행']), 5).rows.length, 0);
  t.same([...small.search(query(['__proto__']), 5).rows], [3]);
  t.same([...small.scoreAll(query([]))], [0, 0, 0, 0]);
});

t.test('one query leaves nothing behind for the next', async (t) => {
  const first = small.search(query(['회사']), 1);
  small.search(query(['은행', '회사'], ['은행']), 2);
  small.scoreAll(query(['은행']));
  t.same(small.search(query(['회사']), 1), first);
});

t.test('topK must be a whole number of at least 1', async (t) => {
  for (const topK of [0, -1, 1.5, Number.NaN]) {
    t.throws(() => small.search(query(['은행']), topK), { code: 'RETRIEVAL_PARAMETER' });
  }
});

t.test('a sum of queries weighs the terms of each by its weight', async (t) => {
  const hits = small.searchWeighted(
    [
      { terms: query(['은행']), weight: 1 },
      { terms: query(['회사'], ['은행']), weight: 0.5 },
      { terms: query(['모름']), weight: 3 },
    ],
    3,
  );
  t.same([...hits.rows], [2, 0, 1]);
  t.same([...hits.scores], [3, 1.5, 1.5]);
  t.equal(small.searchWeighted([], 3).rows.length, 0);
});

t.test('a sum of queries has the limits of a query', async (t) => {
  for (const topK of [0, 1.5, Number.NaN])
    t.throws(() => small.searchWeighted([], topK), { code: 'RETRIEVAL_PARAMETER' });
  for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    t.throws(() => small.searchWeighted([{ terms: query(['은행']), weight }], 1), {
      code: 'RETRIEVAL_PARAMETER',
      message: /weight of a query/,
    });
});

t.test('whether a document holds a term can be asked', async (t) => {
  const rowsWith = (term: string, field?: 'morphemes' | 'bigrams') =>
    [0, 1, 2, 3].filter((row) => small.holds(row, term, field));
  t.same(rowsWith('은행'), [0, 2]);
  t.same(rowsWith('회사'), [0, 1, 3]);
  t.same(rowsWith('은행', 'bigrams'), [2]);
  t.same(rowsWith('__proto__'), [3]);
  t.same([rowsWith('모름'), rowsWith('constructor')], [[], []]);
});

t.test('document frequency, idf and length can be asked for', async (t) => {
  t.equal(small.docFreq('회사'), 3);
  t.equal(small.docFreq('은행', 'bigrams'), 1);
  t.equal(small.docFreq('모름'), 0);
  t.ok(Math.abs(small.idf('회사') - Math.log(1 + 1.5 / 3.5)) < 1e-12);
  t.ok(small.idf('모름') > small.idf('은행'));
  t.equal(small.docLength(2), 3);
  t.throws(() => small.docLength(4), { code: 'RETRIEVAL_PARAMETER' });
});

t.test('looking columns up instead of summing them changes no result', async (t) => {
  let state = 99;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
  const docCount = 600;
  const columns: Record<string, Record<number, number>> = {};
  for (let term = 0; term < 60; term += 1) {
    // frequent terms have small entries, as idf makes them, with many equal ones so that scores tie
    const share = (term + 1) / 60;
    const column: Record<number, number> = {};
    for (let row = 0; row < docCount; row += 1) {
      if (random() < share ** 3)
        column[row] = Math.ceil((1 - share) * 8 + 1) * (random() < 0.5 ? 0.125 : 0.25);
    }
    columns[`m:t${term}`] = column;
  }
  const index = new Bm25Index(frozenOf(docCount, columns));
  for (let round = 0; round < 300; round += 1) {
    const terms = Array.from(
      { length: 1 + Math.floor(random() * 12) },
      () => `t${Math.floor(random() * 62)}`,
    );
    const topK = 1 + Math.floor(random() * 15);
    const all = index.scoreAll(query(terms));
    const expected = [...all.keys()]
      .filter((row) => all[row]! > 0)
      .sort((x, y) => all[y]! - all[x]! || x - y)
      .slice(0, topK);
    const hits = index.search(query(terms), topK);
    t.same([...hits.rows], expected, `${terms} top ${topK}`);
    t.same(
      [...hits.scores],
      expected.map((row) => all[row]),
    );
    // Two queries of weights that float32 holds exactly: the weighted sum of the scores of each.
    const others = Array.from({ length: 3 }, () => `t${Math.floor(random() * 62)}`);
    const other = index.scoreAll(query(others));
    const sums = Array.from(all, (score, row) => score + 0.5 * (other[row] as number));
    const best = [...sums.keys()]
      .filter((row) => sums[row]! > 0)
      .sort((x, y) => sums[y]! - sums[x]! || x - y)
      .slice(0, topK);
    const summed = index.searchWeighted(
      [
        { terms: query(terms), weight: 1 },
        { terms: query(others), weight: 0.5 },
      ],
      topK,
    );
    t.same([...summed.rows], best, `${terms} and half of ${others} top ${topK}`);
    t.same(
      [...summed.scores],
      best.map((row) => sums[row]),
    );
  }
});
