import t from 'tap';
import { PackedBatches } from '../../../training/data/packed-batches.js';
import type { MicroBatch } from '../../../training/programs/graph-task.js';
import { TokenBatches, validationBatches } from '../../../training/programs/token-batches.js';
import { telling, tokenCorpus } from '../../fixtures/token-corpus.js';

/** Dialogues whose responses are of 1 to 19 tokens, so that micro-batches have very different numbers to learn. */
const corpus = tokenCorpus(
  'dialogue',
  Array.from({ length: 23 }, (_, i) => {
    const runs = [3, 1 + ((i * 7) % 19)];
    return { documentId: `d${i}`, sequences: [{ tokens: telling(i, runs[0]! + runs[1]!), runs }] };
  }),
);
const batches = (rows: number) => new PackedBatches(corpus, { rows, length: 24, seed: 4, packing: 'single' });

/** The inputs of all micro-batches, one after another; of the slots those that are taken. */
async function feedsOf(micro: readonly MicroBatch[]) {
  const all = {
    ids: [] as bigint[],
    weights: [] as number[],
    labels: [] as bigint[],
    /** The token that each label follows. */
    before: [] as bigint[],
    visibleFrom: [] as number[],
  };
  for (const batch of micro) {
    const { input_ids, weights, labels, positions, visible_from } = await batch.feeds();
    const ids = input_ids!.data as BigInt64Array;
    all.ids.push(...ids);
    for (const [slot, weight] of (weights!.data as Float32Array).entries()) {
      if (weight === 0) continue;
      all.weights.push(weight);
      all.labels.push((labels!.data as BigInt64Array)[slot]!);
      all.before.push(ids[Number((positions!.data as BigInt64Array)[slot])]!);
    }
    all.visibleFrom.push(...(visible_from!.data as Int32Array));
  }
  return all;
}

t.test(
  'four micro-batches of two rows are the batch of eight, with the same weight for every token',
  async (t) => {
    const [one, four] = [new TokenBatches(batches(8), 1), new TokenBatches(batches(2), 4)];
    for (let step = 1; step <= 5; step++) {
      const [whole, parts] = [(await one.next()).batches, (await four.next()).batches];
      t.same([whole.length, parts.length], [1, 4]);
      const found = await feedsOf(parts);
      t.strictSame(found, await feedsOf(whole));
      const trained = found.weights;
      t.ok(
        found.labels.every((label, i) => label === found.before[i]! + 1n),
        'slots are where they say',
      );
      t.equal(new Set(trained).size, 1);
      t.ok(Math.abs(trained.length * trained[0]! - 1) < 1e-5, 'they sum to 1');
      const sums = await Promise.all(parts.map(async (part) => (await feedsOf([part])).weights));
      t.ok(new Set(sums.map((weights) => weights.length)).size > 1);
    }
  },
);

t.test('held-out batches are measured as one, the last and smaller one too', async (t) => {
  const held = batches(4);
  const { batches: measured, tokens } = validationBatches(held, 100);
  t.equal(measured.length, 6, '23 rows, 4 to a batch');
  const { weights: trained } = await feedsOf(measured);
  t.equal(new Set(trained).size, 1);
  t.equal(trained.length, tokens);
  t.equal(tokens, held.statistics.trainedPositions);
  t.ok(Math.abs(trained.length * trained[0]! - 1) < 1e-5);
  t.equal(validationBatches(held, 2).batches.length, 2);
});

t.test('where responses count alike, the weights of each sum to its share of the step', async (t) => {
  const on = new TokenBatches(batches(2), 3, { weighting: 'responses' });
  const { batches: micro } = await on.next();
  const sums = new Map<bigint, number>();
  for (const batch of micro) {
    const { weights, labels } = await feedsOf([batch]);
    for (const [i, weight] of weights.entries()) {
      const document = labels[i]! / 100n;
      sums.set(document, (sums.get(document) ?? 0) + weight);
    }
  }
  t.equal(sums.size, 6);
  for (const sum of sums.values()) t.ok(Math.abs(sum - 1 / 6) < 1e-6, `${sum}`);
});
