import { join } from 'node:path';
import t from 'tap';
import { openEmbedder } from '../../../shared/retrieval/onnx-embedder.js';
import {
  abortedAfterStep,
  figuresOf,
  runText,
  runTiny,
  trainingLosses,
  validationLosses,
  writeData,
} from './tiny-runs.js';

const root = t.testdir({});
await writeData(join(root, 'data'));
const output = join(root, 'embed');
const fields = {
  ...{ steps: 60, encoder: { dimension: 16, vocabSize: 700 } },
  data: { train: [join(root, 'data/queries.jsonl')], rows: 8, length: 32, validationFraction: 0.2 },
  optimizer: { learningRate: 1e-2, weightDecay: 0 },
  evaluation: { everySteps: 20 },
};

t.test('an encoder learns which passage answers, and is a folder that the retriever opens', async (t) => {
  const { result, lines } = await runTiny('embed', runText('embed', output, fields));
  t.match(result, { outcome: 'finished', step: 60, result: join(output, 'model') });
  t.match(lines.join('\n'), /next {3}haetae train index --embedder/);
  const figures = await figuresOf(output);
  const losses = trainingLosses(figures);
  t.ok(losses.at(-1)! < losses[0]! / 2, `${losses[0]} → ${losses.at(-1)}`);
  t.ok(validationLosses(figures).at(-1)! < validationLosses(figures)[0]!);
  const embedder = await openEmbedder(join(output, 'model'), { threads: 1 });
  t.teardown(() => embedder.close());
  t.equal(embedder.dimension, 16);
});

t.test('it goes on from a folder, and is resumed to the bit', async (t) => {
  const further = { ...fields, steps: 10, encoder: { from: join(output, 'model') } };
  await runTiny('embed', runText('embed', join(root, 'further'), further));
  const losses = trainingLosses(await figuresOf(join(root, 'further')));
  t.ok(losses[0]! < trainingLosses(await figuresOf(output))[0]! / 2, 'what was learnt is there');
  const two = join(root, 'two');
  const text = runText('embed', two, { ...further, checkpoint: { everySteps: 4 } });
  const stopped = await runTiny('embed', text, { signal: abortedAfterStep(two, 6) });
  t.match(stopped.result, { outcome: 'interrupted', step: 6 });
  await runTiny('embed', text, { resume: true });
  t.strictSame(trainingLosses(await figuresOf(two)), losses);
});

t.test('a step of several micro-batches has their mean loss', async (t) => {
  const still = { ...fields, steps: 4, optimizer: { learningRate: 1e-12, weightDecay: 0 } };
  const [one, two] = [join(root, 'still'), join(root, 'still-two')];
  await runTiny('embed', runText('embed', one, still));
  await runTiny('embed', runText('embed', two, { ...still, steps: 2, accumulate: 2 }));
  const losses = trainingLosses(await figuresOf(one));
  for (const [i, loss] of trainingLosses(await figuresOf(two)).entries()) {
    const mean = (losses[2 * i]! + losses[2 * i + 1]!) / 2;
    t.ok(Math.abs(loss - mean) < 1e-5, `step ${i + 1}: ${loss}, the mean of two is ${mean}`);
  }
});

t.test('too few pairs to measure are an error that says what to do', async (t) => {
  const few = { ...fields, data: { ...fields.data, rows: 100 } };
  await t.rejects(runTiny('embed', runText('embed', join(root, 'few'), few)), {
    code: 'TRAINING_DATA_INVALID',
    message: /Validation has \d+ pairs, a batch takes data\.rows = 100/,
  });
});
