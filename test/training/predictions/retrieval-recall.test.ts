import t from 'tap';
import type { Runtime } from '../../../shared/bundle/runtime.js';
import { measureRecall, recallQueries } from '../../../training/predictions/retrieval-recall.js';
import { smallCorpus } from '../../fixtures/small-corpus.js';
import { smallQuestion } from '../../fixtures/small-questions.js';

const chunks = smallCorpus();

t.test(
  'a question looks for the articles it was made from; one whose chunks are gone is left out',
  async (t) => {
    const questions = [
      smallQuestion('one', { contextChunkIds: ['act#2', 'act#9'] }),
      smallQuestion('gone', { contextChunkIds: ['no#1'] }),
    ];
    const queries = recallQueries(chunks, questions, { perKind: 2, seed: 1 });
    t.strictSame(
      [...new Set(queries.map(({ name }) => name))],
      ['heading', 'definition', 'sentence', 'questions'],
    );
    const own = queries.filter(({ name }) => name === 'questions');
    t.equal(own.length, 1);
    t.strictSame([...own[0]!.relevant], ['전자금융거래법\n제2조', '전자금융거래법\n제9조']);
  },
);

t.test('parts of an article count once, and recall is a share of what is looked for', async (t) => {
  const order = ['guide-0#1', 'act#2', 'act#2', 'guide-1#1', 'guide-2#1', 'act#9'];
  const passages = order.map((id) => ({ chunk: chunks.find(({ chunkId }) => chunkId === id)! }));
  const runtime = { retrieve: async () => ({ passages }) } as unknown as Pick<Runtime, 'retrieve'>;
  const relevant = new Set(['전자금융거래법\n제2조', '전자금융거래법\n제9조']);
  const first = new Set(['방화벽\n']);
  const queries = [
    { name: 'questions', text: '', relevant },
    { name: 'questions', text: '', relevant: first },
    { name: 'heading', text: '', relevant },
  ];
  t.strictSame(await measureRecall(runtime, queries, new AbortController().signal), [
    { name: 'questions', queries: 2, recallAt1: 0.5, recallAt3: 0.75, recallAt5: 1 },
    { name: 'heading', queries: 1, recallAt1: 0, recallAt3: 0.5, recallAt5: 1 },
  ]);
});
