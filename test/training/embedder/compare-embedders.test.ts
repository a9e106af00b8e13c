import t from 'tap';
import { compareRanks } from '../../../training/embedder/compare-embedders.js';

t.test('two embedders are compared on the same queries, by kind and together', (t) => {
  const query = (kind: string) => ({ kind, text: '', family: '', relevant: new Set<string>() });
  const queries = [query('heading'), query('heading'), query('terse')];
  const [heading, terse, all] = compareRanks(queries, [0, 7, 3], [1, 4, Infinity]);
  t.match(heading, {
    ...{ kind: 'heading', queries: 2, gained: 1, lost: 0, pValue: 1 },
    recallAt5: { before: 0.5, after: 1 },
    mrr: { before: (1 + 1 / 8) / 2, after: (1 / 2 + 1 / 5) / 2 },
  });
  t.match(terse, { kind: 'terse', queries: 1, gained: 0, lost: 1, recallAt5: { before: 1, after: 0 } });
  t.match(all, { kind: 'all', queries: 3, gained: 1, lost: 1 });
  t.end();
});
