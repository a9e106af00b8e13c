import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import type { DataPosition } from '../../../training/data/data-position.js';
import { type PackedBatch, PackedBatches } from '../../../training/data/packed-batches.js';
import type { TokenCorpus } from '../../../training/data/token-corpus.js';
import { telling, tellingTexts, tokenCorpus } from '../../fixtures/token-corpus.js';

const random = seededRandom(21);
const lengths = Array.from({ length: 40 }, () => 1 + Math.floor(random() ** 3 * 90));
const texts = tellingTexts(lengths);

/** Dialogues of a prompt and a response, some with an earlier turn that is learnt too. */
const dialogues = tokenCorpus(
  'dialogue',
  Array.from({ length: 50 }, (_, i) => {
    const runs = [1 + (i % 7), 1 + ((i * 5) % 9), ...(i % 4 === 0 ? [2, 1 + (i % 3)] : [])];
    const length = runs.reduce((sum, run) => sum + run, 0);
    return { documentId: `d${i}`, sequences: [{ tokens: telling(i, length), runs }] };
  }),
);

async function take(batches: PackedBatches, count: number): Promise<PackedBatch[]> {
  const taken: PackedBatch[] = [];
  for (let i = 0; i < count; i++) taken.push(await batches.next());
  return taken;
}

/** Inputs, and labels that are learnt, of all batches, sorted. */
function learnt(batches: readonly PackedBatch[]): { inputs: number[]; labels: number[] } {
  const found = { inputs: [] as number[], labels: [] as number[] };
  for (const { inputIds, labels, mask } of batches) {
    for (const [i, id] of inputIds.entries()) {
      if (id !== 0n) found.inputs.push(Number(id));
      if (mask[i]) found.labels.push(Number(labels[i]));
    }
  }
  return { inputs: found.inputs.sort(), labels: found.labels.sort() };
}

/** What one pass has to hold: all tokens but the last as inputs, those that are learnt but the first as labels. */
function expected(corpus: TokenCorpus): { inputs: number[]; labels: number[] } {
  const found = { inputs: [] as number[], labels: [] as number[] };
  for (const example of corpus.examples) {
    const tokens = corpus.sequence(example);
    if (tokens.length < 2) continue;
    found.inputs.push(...tokens.subarray(0, -1));
    corpus.trainedRuns(example, 1, tokens.length, (from, to) =>
      found.labels.push(...tokens.subarray(from, to)),
    );
  }
  return { inputs: found.inputs.sort(), labels: found.labels.sort() };
}

const cases: [name: string, corpus: TokenCorpus, packing: 'fill' | 'pack' | 'single', length: number][] = [
  ['texts that fill rows', texts, 'fill', 16],
  ['texts in rows longer than any', texts, 'fill', 200],
  ['texts in rows of two', texts, 'fill', 2],
  ['dialogues, packed', dialogues, 'pack', 40],
  ['dialogues, one to a row', dialogues, 'single', 40],
];

for (const [name, corpus, packing, length] of cases) {
  t.test(`${name}: every token of a pass is an input once, every one to learn a label once`, async (t) => {
    const want = expected(corpus);
    for (const seed of [1, 2]) {
      // One row to a batch, so that passes end with batches.
      const batches = new PackedBatches(corpus, { rows: 1, length, seed, packing });
      for (let epoch = 0; epoch < 2; epoch++) {
        const pass = await take(batches, batches.batchesPerEpoch);
        t.strictSame(learnt(pass), want, `seed ${seed}, pass ${epoch}`);
        t.equal(pass.at(-1)!.epoch, epoch + 1);
      }
    }
    const whole = [...new PackedBatches(corpus, { rows: 3, length, seed: 1, packing }).pass()];
    t.strictSame(learnt(whole), want, 'the pass that is measured');
  });

  t.test(`${name}: a label is the token behind its input, and nothing sees another document`, async (t) => {
    const batches = new PackedBatches(corpus, { rows: 3, length, seed: 4, packing });
    for (const { inputIds, labels, visibleFrom, mask, tokens, trainedTokens } of await take(batches, 20)) {
      let [filled, trained] = [0, 0];
      for (const [i, id] of inputIds.entries()) {
        const column = i % length;
        const from = visibleFrom[i]!;
        if (!(from >= 0 && from <= column)) t.fail(`position ${i} sees from ${from}`);
        if (id === 0n) {
          if (labels[i] !== 0n || mask[i] !== 0 || from !== column) t.fail(`padding at ${i}`);
          continue;
        }
        filled += 1;
        trained += mask[i]!;
        if (labels[i] !== id + 1n) t.fail(`label ${labels[i]} behind ${id}`);
        // The text's number and index are in the token: what is seen is the same text, without a gap.
        const seen = inputIds[i - column + from]!;
        if (seen !== id - BigInt(column - from)) t.fail(`${id} sees ${seen}`);
        const isFirst = column === 0 || inputIds[i - 1] !== id - 1n;
        if (isFirst !== (from === column)) t.fail(`${id} begins at ${from}, is at ${column}`);
      }
      t.strictSame([tokens, trainedTokens], [filled, trained]);
    }
  });

  t.test(`${name}: resuming at any batch goes on equal to the bit`, async (t) => {
    const options = { rows: 4, length, seed: 6, packing };
    const batches = new PackedBatches(corpus, options);
    const start = batches.position;
    // Into the third pass.
    const count = Math.ceil(batches.batchesPerEpoch * 2) + 2;
    const all = await take(batches, count);
    const positions: DataPosition[] = [start, ...all.map(({ position }) => position)];
    for (const [i, position] of positions.slice(0, -1).entries()) {
      if (i > 12 && i % 9 !== 0 && i < count - 4) continue;
      const resumed = new PackedBatches(corpus, options);
      resumed.seek(JSON.parse(JSON.stringify(position)));
      t.strictSame(
        await take(resumed, 2),
        all.slice(i, i + 2).concat(i === count - 1 ? [await batches.next()] : []),
      );
    }
  });
}

t.test('passes have orders of their own, given by the seed', async (t) => {
  const order = async (seed: number) => {
    const batches = new PackedBatches(texts, { rows: 1, length: 16, seed });
    const count = batches.batchesPerEpoch;
    const all = await take(batches, 2 * count);
    const ids = all.map(({ inputIds }) => inputIds.join(' '));
    return [ids.slice(0, count).join('|'), ids.slice(count).join('|')];
  };
  const [first, second] = await order(1);
  t.strictSame(await order(1), [first, second]);
  t.equal(new Set([first, second, ...(await order(2))]).size, 4);
});

t.test('the windows of one long text do not follow each other', async (t) => {
  const corpus = tellingTexts([99, 99, 99, 99]);
  const batches = new PackedBatches(corpus, { rows: 1, length: 7, seed: 1 });
  const documents = (await take(batches, batches.batchesPerEpoch)).map((batch) => batch.documents[0]);
  let neighbours = 0;
  for (let i = 1; i < documents.length; i++) neighbours += documents[i] === documents[i - 1] ? 1 : 0;
  // 57 rows of four texts: about a quarter by chance, nearly all if texts were dealt in one go.
  t.ok(neighbours < documents.length / 2, `${neighbours} of ${documents.length}`);
});

t.test('the windows of a single text come in another order in each pass', async (t) => {
  const batches = new PackedBatches(tellingTexts([99]), { rows: 1, length: 7, seed: 1 });
  const passes = [await take(batches, 14), await take(batches, 14), await take(batches, 14)];
  const starts = passes.map((pass) => pass.map(({ inputIds }) => Number(inputIds[0])));
  for (const pass of starts) t.strictSame([...pass].sort(), [...starts[0]!].sort());
  t.equal(new Set(starts.map(String)).size, 3, starts.join(' | '));
});

t.test('documents of a batch are named', async (t) => {
  const batches = new PackedBatches(texts, { rows: 2, length: 16, seed: 3 });
  for (const { inputIds, documents } of await take(batches, 10)) {
    const ids = [...inputIds].filter((id) => id > 0n).map((id) => `text ${Math.floor(Number(id) / 100) - 1}`);
    t.strictSame(new Set(documents), new Set(ids));
  }
});

t.test('statistics count what is laid into rows, dropped and truncated', async (t) => {
  const { statistics } = new PackedBatches(texts, { rows: 2, length: 16, seed: 1 });
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const trained = lengths.reduce((sum, length) => sum + length - 1, 0);
  t.match(statistics, {
    documents: 40,
    examples: 40,
    tokens,
    trainedTokens: trained,
    filledPositions: trained,
  });
  t.equal(statistics.dropped, lengths.filter((length) => length < 2).length);
  t.equal(statistics.rows, Math.ceil(trained / 16));
  t.equal(statistics.fillRate, trained / (statistics.rows * 16));

  const sizes = Array.from(dialogues.examples, (example) => dialogues.sequenceLength(example));
  const tooLong = sizes.filter((size) => size > 13).length;
  t.ok(tooLong > 0);
  const options = { rows: 2, length: 12, seed: 1 };
  t.match(new PackedBatches(dialogues, { ...options, tooLong: 'drop' }).statistics, {
    dropped: tooLong,
    truncated: 0,
  });
  const cut = new PackedBatches(dialogues, options);
  t.match(cut.statistics, { dropped: 0, truncated: tooLong });
  const pass = [...cut.pass()];
  t.equal(
    pass.reduce((sum, batch) => sum + batch.trainedTokens, 0),
    cut.statistics.trainedPositions,
  );
  t.equal(
    pass.reduce((sum, batch) => sum + batch.tokens, 0),
    cut.statistics.filledPositions,
  );
});

t.test('a position of other data or settings is refused', async (t) => {
  const options = { rows: 2, length: 16, seed: 1 };
  const { position } = await new PackedBatches(texts, options).next();
  const seek = (corpus: TokenCorpus, changed: object, value: unknown = position) =>
    new PackedBatches(corpus, { ...options, ...changed }).seek(value);
  t.doesNotThrow(() => seek(texts, { rows: 3 }), 'rows of a batch may change: they are dealt one by one');
  const refused = { code: 'TRAINING_DATA_INVALID', message: /not those of the checkpoint/ };
  t.throws(() => seek(texts, { length: 17 }), refused);
  t.throws(() => seek(texts, { seed: 2 }), refused);
  t.throws(() => seek(texts.subset(texts.examples.slice(1)), {}), refused);
  for (const value of [null, {}, { ...position, dealt: -1 }, { ...position, epoch: '1' }])
    t.throws(() => seek(texts, {}, value), { message: /the position kept by the checkpoint is none/ });
});

t.test('what cannot be packed is refused', async (t) => {
  const options = { rows: 1, length: 8, seed: 1 };
  t.throws(() => new PackedBatches(tellingTexts([1, 1]), options), {
    code: 'TRAINING_DATA_INVALID',
    message: /of 2 examples none can be trained on \(2 dropped\)/,
  });
  t.throws(() => new PackedBatches(texts, { ...options, packing: 'pack' }), TypeError);
  t.throws(() => new PackedBatches(texts, { ...options, rows: 0 }), RangeError);
  t.throws(() => new PackedBatches(texts, { ...options, length: 1 }), RangeError);
});

t.test('the pass that is measured is always the same, and begins with a fair sample', async (t) => {
  const options = { rows: 1, length: 40, seed: 1 };
  const batches = new PackedBatches(dialogues, options);
  const first = [...batches.pass()].map(({ inputIds }) => inputIds);
  await take(batches, 3);
  t.strictSame(
    [...batches.pass()].map(({ inputIds }) => inputIds),
    first,
  );
  // Packing lays the longest dialogues first; they are not those of the first rows.
  const longest = Math.max(...Array.from(dialogues.examples, (example) => dialogues.sequenceLength(example)));
  const sample = [...new PackedBatches(dialogues, { ...options, packing: 'single' }).pass()].slice(0, 10);
  t.ok(new Set(sample.map(({ tokens }) => tokens)).size > 4);
  t.ok(sample.some(({ tokens }) => tokens < longest / 2));
});

t.test('documents share rows with others in every pass', async (t) => {
  for (const [corpus, packing, length] of [
    [texts, 'fill', 60],
    [
      tokenCorpus(
        'dialogue',
        Array.from({ length: 40 }, (_, i) => ({
          documentId: `d${i}`,
          sequences: [{ tokens: telling(i, 11), runs: [5, 6] }],
        })),
      ),
      'pack',
      40,
    ],
  ] as const) {
    const batches = new PackedBatches(corpus, { rows: 1, length, seed: 1, packing });
    const companions = async () =>
      (await take(batches, batches.batchesPerEpoch)).map(({ documents }) => [...documents].sort().join());
    const [first, second] = [new Set(await companions()), await companions()];
    const again = second.filter((row) => first.has(row)).length;
    t.ok(
      again < second.length / 4,
      `${packing}: ${again} of ${second.length} rows hold the same documents again`,
    );
  }
});
