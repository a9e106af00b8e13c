import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import { type PairBatch, PairBatches, type PairBatchesOptions } from '../../../training/data/pair-batches.js';
import { distillm2Weights, presentPairs } from '../../../training/losses/pair-batch.js';
import { telling, tokenCorpus } from '../../fixtures/token-corpus.js';

const random = seededRandom(5);
const upTo = (most: number) => 1 + Math.floor(random() * most);
/** Pair i: prompt of its own length, responses of different ones; tokens of the chosen 200 · i + …, rejected + 100. */
const shapes = Array.from({ length: 30 }, () => ({ prompt: upTo(9), chosen: upTo(12), rejected: upTo(20) }));
const corpus = tokenCorpus(
  'pair',
  shapes.map(({ prompt, chosen, rejected }, i) => ({
    documentId: `p${i}`,
    sequences: [
      { tokens: telling(2 * i, prompt + chosen), runs: [prompt, chosen] },
      { tokens: telling(2 * i + 1, prompt + rejected), runs: [prompt, rejected] },
    ],
  })),
);

const options: PairBatchesOptions = { rows: 3, length: 40, seed: 2 };

async function take(batches: PairBatches, count: number): Promise<PairBatch[]> {
  const taken: PairBatch[] = [];
  for (let i = 0; i < count; i++) taken.push(await batches.next());
  return taken;
}

/** Pairs of a batch: number of each in the corpus, and the labels that are learnt on both sides. */
function pairsOf({
  answers: { labels, mask },
  pairOf,
}: PairBatch): { corpusPair: number; chosen: number; rejected: number }[] {
  const found = new Map<number, { corpusPair: number; chosen: number; rejected: number }>();
  const half = mask.length / 2;
  for (const [i, pair] of pairOf.entries()) {
    if (pair >= 0 !== (mask[i] === 1)) throw new Error(`mask ${mask[i]} at pair ${pair}`);
    if (pair < 0) continue;
    const sequence = Math.floor(Number(labels[i]) / 100) - 1;
    const entry = found.get(pair) ?? { corpusPair: sequence >> 1, chosen: 0, rejected: 0 };
    if (entry.corpusPair !== sequence >> 1) throw new Error('one number for two pairs');
    if (sequence % 2 !== (i < half ? 0 : 1)) throw new Error('a response is in the wrong half');
    entry[i < half ? 'chosen' : 'rejected'] += 1;
    found.set(pair, entry);
  }
  return [...found.values()];
}

for (const packing of ['pack', 'single'] as const) {
  t.test(`${packing}: every pair of a pass is dealt once, with all tokens of both responses`, async (t) => {
    const batches = new PairBatches(corpus, { ...options, rows: 1, packing });
    for (let epoch = 0; epoch < 2; epoch++) {
      const pairs = (await take(batches, batches.batchesPerEpoch)).flatMap(pairsOf);
      t.strictSame(
        pairs.sort((a, b) => a.corpusPair - b.corpusPair),
        shapes.map(({ chosen, rejected }, corpusPair) => ({ corpusPair, chosen, rejected })),
      );
    }
    const measured = [...new PairBatches(corpus, { ...options, packing }).pass()];
    t.equal(measured.flatMap(pairsOf).length, shapes.length);
    t.equal(
      measured.reduce((sum, batch) => sum + batch.presentPairs, 0),
      shapes.length,
    );
  });
}

t.test(
  'both responses of a pair have the same row and first column, and see only their own prompt',
  async (t) => {
    for (const { inputIds, visibleFrom, pairOf, pairs, answers } of await take(
      new PairBatches(corpus, options),
      12,
    )) {
      const half = inputIds.length / 2;
      for (let pair = 0; pair < pairs; pair++) {
        const slots = [pairOf.indexOf(pair), pairOf.indexOf(pair, pairOf.length / 2)];
        if (slots[0] === -1) continue;
        const places = slots.map((slot) => Number(answers.positions[slot!]));
        t.ok(places[0]! < half && places[1]! >= half);
        const [chosen, rejected] = places as [number, number];
        t.equal(Math.floor(chosen / 40), Math.floor((rejected - half) / 40), 'row');
        t.equal(visibleFrom[chosen], visibleFrom[rejected], 'first column');
      }
      for (const [i, id] of inputIds.entries()) {
        const column = i % 40;
        if (id === 0n) t.equal(visibleFrom[i], column);
        else if (inputIds[i - column + visibleFrom[i]!] !== id - BigInt(column - visibleFrom[i]!))
          t.fail(`${id} sees another sequence`);
      }
    }
  },
);

t.test('the losses find their pairs in it: weights of a whole step sum to 2 − β and β', async (t) => {
  const step = await take(new PairBatches(corpus, options), 2);
  const pairsPerStep = step.reduce((sum, batch) => sum + batch.presentPairs, 0);
  const sums = [0, 0];
  for (const batch of step) {
    t.equal(presentPairs(batch).length, batch.presentPairs);
    const weights = distillm2Weights(batch, 1.25, pairsPerStep);
    for (const [i, weight] of weights.entries()) sums[i < weights.length / 2 ? 0 : 1]! += weight;
  }
  t.ok(Math.abs(sums[0]! - 0.75) < 1e-6 && Math.abs(sums[1]! - 1.25) < 1e-6, `${sums}`);
});

t.test('resuming at any batch goes on equal to the bit', async (t) => {
  const batches = new PairBatches(corpus, options);
  const positions = [batches.position];
  const all = await take(batches, 20);
  positions.push(...all.map(({ position }) => position));
  for (let i = 0; i < 19; i++) {
    const resumed = new PairBatches(corpus, options);
    resumed.seek(JSON.parse(JSON.stringify(positions[i])));
    t.strictSame(await resumed.next(), all[i]);
  }
  t.throws(() => new PairBatches(corpus, { ...options, tooLong: 'drop' }).seek(positions[1]), {
    code: 'TRAINING_DATA_INVALID',
  });
});

t.test('a row holds no more pairs than it may, and the batch has room for them', async (t) => {
  const batches = new PairBatches(corpus, { ...options, length: 200, maxPairsPerRow: 3 });
  t.equal(batches.pairsPerRow, 3);
  for (const batch of await take(batches, 6)) {
    t.equal(batch.pairs, 9);
    t.ok(batch.presentPairs <= 9 && Math.max(...batch.pairOf) < 9);
  }
});

t.test('long pairs are truncated or dropped, and counted', async (t) => {
  const tooLong = shapes.filter(
    ({ prompt, chosen, rejected }) => prompt + Math.max(chosen, rejected) > 17,
  ).length;
  t.ok(tooLong > 0 && tooLong < shapes.length);
  const short = { ...options, length: 16 };
  const cut = new PairBatches(corpus, short);
  t.match(cut.statistics, { truncated: tooLong, dropped: 0, examples: 30, sequences: 60 });
  const pass = [...cut.pass()];
  t.equal(
    pass.reduce((sum, { trainedTokens }) => sum + trainedTokens, 0),
    cut.statistics.trainedPositions,
  );
  t.equal(
    pass.reduce((sum, { tokens }) => sum + tokens, 0),
    cut.statistics.filledPositions,
  );
  t.match(new PairBatches(corpus, { ...short, tooLong: 'drop' }).statistics, {
    truncated: 0,
    dropped: tooLong,
  });
  t.throws(() => new PairBatches(corpus, { ...options, length: 2, tooLong: 'drop' }), {
    message: /of 30 pairs none can be trained on/,
  });
});

t.test('pairs of equal responses are read once, two to a place, and taught on both sides', async (t) => {
  const shapes = Array.from({ length: 25 }, (_, i) => ({
    ...{ prompt: upTo(9), answer: upTo(4), isEqual: i % 3 !== 0, hasTeacher: i % 2 === 0 },
  }));
  const verdicts = tokenCorpus(
    'pair',
    shapes.map(({ prompt, answer, isEqual, hasTeacher }, i) => {
      const chosen = telling(i, prompt + answer);
      const rejected = isEqual ? chosen : [...chosen.slice(0, prompt), ...telling(i + 30, answer + 1)];
      const longer = (tokens: readonly number[]) => [...telling(i + 60, 5), ...tokens];
      const of = (tokens: readonly number[], before: number) => ({
        tokens,
        runs: [before, tokens.length - before],
      });
      const own = [of(chosen, prompt), of(rejected, prompt)];
      const taught = [of(longer(chosen), prompt + 5), of(longer(rejected), prompt + 5)];
      return { documentId: `p${i}`, sequences: hasTeacher ? [...own, ...taught] : own };
    }),
  );
  const identical = shapes.filter(({ isEqual }) => isEqual).length;
  const batches = new PairBatches(verdicts, { rows: 2, length: 24, seed: 3, teacherLength: 40 });
  t.match(batches.statistics, { examples: 25, sequences: 50, identical, dropped: 0, truncated: 0 });
  const read = shapes.reduce(
    (total, { prompt, answer, isEqual }) => total + prompt + answer - 1 + (isEqual ? 0 : prompt + answer),
    0,
  );
  t.equal(batches.statistics.filledPositions, read);
  const seen = new Map<number, number>();
  for (const batch of batches.pass()) {
    const { answers, inputIds, pairOf, visibleFrom } = batch;
    t.equal(answers.positions.length, batches.slots);
    for (const { tokens, positions, slots } of answers.sequences) {
      for (const [i, slot] of slots.entries()) {
        const at = Number(answers.positions[slot]);
        const label = Number(answers.labels[slot]);
        t.equal(tokens[positions[i]! + 1], label, 'the teacher sees the same token next');
        t.equal(tokens[positions[i]!], Number(inputIds[at]), 'behind the same one');
        const start = at - (at % 24) + visibleFrom[at]!;
        const example = Math.floor(Number(inputIds[start]) / 100) - 1;
        const { hasTeacher } = shapes[example]!;
        t.equal(Math.floor(tokens[0]! / 100) - 1, hasTeacher ? example + 60 : example);
        t.ok(pairOf[slot]! >= 0);
        seen.set(example, (seen.get(example) ?? 0) + 1);
      }
    }
  }
  for (const [i, { answer, isEqual }] of shapes.entries()) {
    t.equal(seen.get(i), 2 * answer + (isEqual ? 0 : 1), `tokens of both responses of ${i}`);
  }
});
