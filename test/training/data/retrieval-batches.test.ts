import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import {
  type PaddedTexts,
  type RetrievalBatch,
  RetrievalBatches,
} from '../../../training/data/retrieval-batches.js';
import { type ExampleByHand, tokenCorpus } from '../../fixtures/token-corpus.js';

/** Texts are one or more tokens; equal numbers, equal texts. */
const example = (query: number[], positive: number[], ...negatives: number[][]): ExampleByHand => ({
  documentId: `d${query.join('-')}`,
  sequences: [query, positive, ...negatives].map((tokens) => ({ tokens })),
});

const random = seededRandom(17);
const some = (most: number) => 1 + Math.floor(random() * most);
// 120 queries of which some repeat, 40 passages.
const examples = Array.from({ length: 120 }, () => {
  const passage = some(40);
  // Another passage of the same forty: the positive of other queries.
  return example([1000 + some(90)], [passage], [100 + some(30)], [1 + ((passage + some(38)) % 40)]);
});
const corpus = tokenCorpus('retrieval', examples);
const options = { pairs: 8, queryLength: 3, passageLength: 2, seed: 1 };

function textsOf({ ids, mask, texts, length }: PaddedTexts): string[] {
  return Array.from({ length: texts }, (_, text) => {
    const row = [...ids.subarray(text * length, (text + 1) * length)];
    const kept = row.filter((_, i) => mask[text * length + i] === 1);
    if (row.slice(kept.length).some((id) => id !== 0n)) throw new Error('padding is not at the end');
    return kept.join(' ');
  });
}

async function take(batches: RetrievalBatches, count: number): Promise<RetrievalBatch[]> {
  const taken: RetrievalBatch[] = [];
  for (let i = 0; i < count; i++) taken.push(await batches.next());
  return taken;
}

t.test('a batch holds queries, and of each its positive before its negatives', async (t) => {
  const known = new Set(
    examples.map(({ sequences }) => sequences.map(({ tokens }) => tokens.join(' ')).join('|')),
  );
  for (const batch of await take(new RetrievalBatches(corpus, options), 30)) {
    t.equal(batch.queries.texts, 8);
    t.equal(batch.passages.texts, 24);
    const [queries, passages] = [textsOf(batch.queries), textsOf(batch.passages)];
    for (const [i, query] of queries.entries())
      t.ok(known.has([query, ...passages.slice(3 * i, 3 * i + 3)].join('|')));
    t.strictSame(new Set(batch.documents), new Set(queries.map((query) => `d${query}`)));
  }
});

t.test(
  'in a batch no query and no positive stands twice, nor a positive as a negative of another',
  async (t) => {
    for (const batch of await take(new RetrievalBatches(corpus, options), 60)) {
      const passages = textsOf(batch.passages);
      const positives = passages.filter((_, i) => i % 3 === 0);
      t.equal(new Set(textsOf(batch.queries)).size, 8);
      t.equal(new Set(positives).size, 8);
      t.notOk(passages.some((text, i) => i % 3 > 0 && positives.includes(text)));
    }
  },
);

t.test('a pass deals every example at most once, and counts what is left over', async (t) => {
  const plain = tokenCorpus(
    'retrieval',
    Array.from({ length: 101 }, (_, i) => example([i + 1], [1000 + i])),
  );
  const batches = new RetrievalBatches(plain, options);
  t.match(batches.statistics, { batches: 12, leftOver: 5, negatives: 0, examples: 101, truncated: 0 });
  const seen: string[] = [];
  for (let epoch = 0; epoch < 2; epoch++) {
    const queries = (await take(batches, 12)).flatMap((batch) => textsOf(batch.queries));
    t.equal(new Set(queries).size, 96);
    seen.push(queries.join());
  }
  t.not(seen[0], seen[1]);
  t.equal([...batches.pass()].length, 12);
});

t.test('resuming at any batch goes on equal to the bit', async (t) => {
  const batches = new RetrievalBatches(corpus, options);
  const positions = [batches.position];
  const all = await take(batches, Math.ceil(2.5 * batches.batchesPerEpoch));
  positions.push(...all.map(({ position }) => position));
  for (const [i, batch] of all.entries()) {
    const resumed = new RetrievalBatches(corpus, options);
    resumed.seek(JSON.parse(JSON.stringify(positions[i])));
    t.strictSame(await resumed.next(), batch);
  }
  t.throws(() => new RetrievalBatches(corpus, { ...options, seed: 2 }).seek(positions[1]), {
    message: /not those of the checkpoint/,
  });
});

t.test('long texts are cut, and texts that are equal then are equal', async (t) => {
  const long = tokenCorpus('retrieval', [
    example([1, 2, 3, 4], [5, 6, 7]),
    example([8], [5, 6, 9]),
    example([9], [6]),
  ]);
  t.equal(new RetrievalBatches(long, { ...options, pairs: 2 }).statistics.truncated, 3);
  t.throws(() => new RetrievalBatches(long, { ...options, pairs: 3 }), {
    code: 'TRAINING_DATA_INVALID',
    message: /of 3 examples no batch of 3 with different queries and passages can be made/,
  });
  t.doesNotThrow(() => new RetrievalBatches(long, { ...options, pairs: 3, passageLength: 3 }));
});

t.test('as many negatives are taken as every example has, or as many as are asked for', async (t) => {
  const uneven = tokenCorpus('retrieval', [example([1], [2], [3]), example([4], [5], [6], [7])]);
  const two = { ...options, pairs: 2 };
  t.equal(new RetrievalBatches(uneven, two).statistics.negatives, 1);
  t.equal((await new RetrievalBatches(uneven, { ...two, negatives: 0 }).next()).passages.texts, 2);
  t.throws(() => new RetrievalBatches(uneven, { ...two, negatives: 2 }), {
    message: /d1: an example has 1 negatives\. Give it 2/,
  });
  t.throws(() => new RetrievalBatches(tokenCorpus('retrieval', [example([1], [2], [2])]), two), {
    message: /the positive of a query is among its negatives/,
  });
});
