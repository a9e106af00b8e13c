import t from 'tap';
import type { TensorValue } from '../../../shared/onnx/session.js';
import { PairBatches } from '../../../training/data/pair-batches.js';
import type { MicroBatch } from '../../../training/programs/graph-task.js';
import { PairStream } from '../../../training/programs/pair-stream.js';
import { telling, tokenCorpus } from '../../fixtures/token-corpus.js';

const pairs = 12;
const corpus = tokenCorpus(
  'pair',
  Array.from({ length: pairs }, (_, i) => ({
    documentId: `p${i}`,
    sequences: [
      { tokens: telling(2 * i, 7 + (i % 3)), runs: [4, 3 + (i % 3)] },
      { tokens: telling(2 * i + 1, 6 + (i % 5)), runs: [4, 2 + (i % 5)] },
    ],
  })),
);
const batchOptions = { rows: 2, length: 24, seed: 1 };
const totalSteps = 8;

function stream(accumulate: number): PairStream {
  return new PairStream(new PairBatches(corpus, batchOptions), {
    ...{ loss: { name: 'distillm2', form: 'paper', alpha: 0.1, detached: false } },
    ...{ windowSteps: 1, totalSteps, accumulate, teacher: async () => ({}) },
  });
}

const numbers = (value: TensorValue | undefined) => Array.from(value!.data as Float32Array);

/** Sums of the weights of chosen and of rejected tokens, over batches. */
async function weightSums(batches: readonly MicroBatch[]): Promise<[chosen: number, rejected: number]> {
  const sums: [number, number] = [0, 0];
  for (const batch of batches) {
    const weights = numbers((await batch.feeds()).weights);
    for (const [i, weight] of weights.entries()) sums[i < weights.length / 2 ? 0 : 1] += weight;
  }
  return sums;
}

/** Makes the steps up to `last`, with d1 and d2 of every pair as given. */
async function train(on: PairStream, last: number, d: number): Promise<void> {
  for (let step = 1; step <= last; step++) {
    const { batches } = await on.next(step);
    for (const [i, batch] of batches.entries()) {
      const shape = [(await batch.feeds()).pair_means!.shape[0]!, 1];
      const all: TensorValue = { type: 'float32', shape, data: new Float32Array(shape[0]!).fill(d) };
      on.observe(i, { d1: all, d2: all, alpha1: all, alpha2: all });
    }
    on.endStep();
  }
}

t.test('weights of all micro-batches of a step sum to 2 − β and β of that step', async (t) => {
  const on = stream(3);
  for (let step = 1; step <= totalSteps; step++) {
    const beta = 1 + 0.5 * Math.min(1, (2 * (step - 1)) / totalSteps);
    const [chosen, rejected] = await weightSums((await on.next(step)).batches);
    t.ok(Math.abs(chosen - (2 - beta)) < 1e-6 && Math.abs(rejected - beta) < 1e-6, `${chosen}, ${rejected}`);
    t.match(on.endStep(), { beta });
  }
});

t.test('held-out pairs are measured alike at every step, whatever α and β have become', async (t) => {
  const on = stream(1);
  const { batches, tokens } = on.validation(new PairBatches(corpus, batchOptions), 100);
  t.equal(tokens, corpus.statistics().trainedTokens);
  const before = await Promise.all(batches.map((batch) => batch.feeds()));
  const [chosen, rejected] = await weightSums(batches);
  t.ok(Math.abs(chosen - 1) < 1e-6 && Math.abs(rejected - 1) < 1e-6, `${chosen}, ${rejected}`);
  await train(on, 6, 0.25);
  const { batches: trained } = await on.next(7);
  t.same(numbers((await trained[0]!.feeds()).pair_window), [0.25, 0.25], 'the window of training has closed');
  t.strictSame(await Promise.all(batches.map((batch) => batch.feeds())), before);
});

t.test('a stream goes on from its state: the same batches, the same window', async (t) => {
  const on = stream(2);
  await train(on, 3, 0.5);
  const other = stream(2);
  other.restore(JSON.parse(JSON.stringify(on.state())) as ReturnType<PairStream['state']>);
  const next = async (it: PairStream) => {
    const { batches, epoch } = await it.next(4);
    return { epoch, feeds: await Promise.all(batches.map((batch) => batch.feeds())) };
  };
  t.strictSame(await next(other), await next(on));
});
