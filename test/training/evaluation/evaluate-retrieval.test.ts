import t from 'tap';
import type { RetrieveOptions } from '../../../shared/retrieval/retriever.js';
import type { ArticleQuery } from '../../../training/evaluation/article-queries.js';
import { evaluateRetrieval, systems } from '../../../training/evaluation/evaluate-retrieval.js';
import { fakeRetrieval } from '../../fixtures/fake-results.js';

const asked: (RetrieveOptions | undefined)[] = [];
/** Finds the sections that the query lists, in its order. */
const retriever = {
  retrieve: async (query: string, options?: RetrieveOptions) => {
    asked.push(options);
    const retrieval = fakeRetrieval('');
    const [passage] = retrieval.passages;
    const passages = query
      .split(' ')
      .map((section) => ({ ...passage!, chunk: { ...passage!.chunk, title: '법', section } }));
    return { ...retrieval, passages };
  },
};
const query = (text: string, ...relevant: string[]): ArticleQuery => ({
  kind: 'heading',
  text,
  relevant: new Set(relevant.map((section) => `법\n${section}`)),
});

t.test('the metrics are means over queries, counted over articles, not their parts', async (t) => {
  const scores = await evaluateRetrieval(retriever, [
    query('a b c', 'a'),
    query('x x x x x x a', 'a'),
    query('1 2 3 4 5 a', 'a'),
    query('1 2 3 4 5 6 7 8 9 10 a', 'a'),
  ]);
  t.equal(scores.queries, 4);
  t.equal(scores.recallAt5, 2 / 4);
  t.equal(scores.recallAt10, 3 / 4);
  t.equal(scores.mrr, (1 + 1 / 2 + 1 / 6 + 0) / 4);
  t.ok(Math.abs(scores.ndcgAt10 - (1 + 1 / Math.log2(3) + 1 / Math.log2(7)) / 4) < 1e-12);
});

t.test('each system is asked for by its own options, deep enough for ten articles', async (t) => {
  for (const [name, options] of Object.entries(systems)) {
    asked.length = 0;
    await evaluateRetrieval(retriever, [query('a', 'a')], options);
    const { topK = 0, ...rest } = asked[0] ?? {};
    t.strictSame(rest, options, name);
    t.ok(topK >= 10);
  }
});

t.test('no queries score 0', async (t) => {
  t.strictSame(await evaluateRetrieval(retriever, []), {
    queries: 0,
    recallAt5: 0,
    recallAt10: 0,
    mrr: 0,
    ndcgAt10: 0,
  });
});
