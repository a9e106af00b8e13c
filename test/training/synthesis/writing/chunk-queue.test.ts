import t from 'tap';
import type { WantedQuestion } from '../../../../training/synthesis/question-teacher.js';
import { documentIdOf } from '../../../../training/synthesis/split/document-id.js';
import { ChunkQueue } from '../../../../training/synthesis/writing/chunk-queue.js';
import { ruledCorpus } from '../../../fixtures/ruled-corpus.js';

const plain: WantedQuestion = { open: false, negated: false, choices: 4, position: 1 };
const open: WantedQuestion = { ...plain, open: true };

function taken(queue: ChunkQueue, wanted = plain) {
  const turns = [];
  for (let turn = queue.take(wanted); turn; turn = queue.take(wanted)) turns.push(turn);
  return turns;
}

t.test(
  'every document comes once before one comes twice, every chunk once before one comes twice',
  async (t) => {
    const turns = taken(new ChunkQueue(ruledCorpus(4, 3), 2, 1));
    t.equal(turns.length, 24);
    for (let start = 0; start < 24; start += 4) {
      t.equal(new Set(turns.slice(start, start + 4).map(({ chunk }) => documentIdOf(chunk))).size, 4);
    }
    t.equal(new Set(turns.slice(0, 12).map(({ chunk }) => chunk.chunkId)).size, 12);
    t.ok(turns.slice(0, 12).every(({ ordinal }) => ordinal === 0));
    t.ok(turns.slice(12).every(({ ordinal }) => ordinal === 1));
  },
);

t.test('a small document does not hold up the others', async (t) => {
  const chunks = [...ruledCorpus(1, 1), ...ruledCorpus(2, 5).slice(5)];
  t.equal(taken(new ChunkQueue(chunks, 1, 1)).length, 6);
});

t.test('the order is that of the seed', async (t) => {
  const order = (seed: number) =>
    taken(new ChunkQueue(ruledCorpus(3, 4), 1, seed)).map(({ chunk }) => chunk.chunkId);
  t.same(order(1), order(1));
  t.notSame(order(1), order(2));
});

t.test(
  'what was given back comes again for another kind of question, when all else is used up',
  async (t) => {
    const queue = new ChunkQueue(ruledCorpus(1, 2), 1, 1);
    const first = queue.take(open);
    t.ok(first);
    if (first) queue.giveBack(first, open);
    t.not(queue.take(open)?.chunk.chunkId, first?.chunk.chunkId);
    t.equal(queue.take(open), null);
    t.equal(queue.take({ ...plain, position: 3 }), first);
    if (first) queue.giveBack(first, plain);
    t.equal(queue.take(plain), null, 'whatever the position');
    t.equal(queue.take({ ...plain, choices: 5 }), first);
    t.equal(queue.take({ ...plain, negated: true }), null, 'it is taken');
  },
);
