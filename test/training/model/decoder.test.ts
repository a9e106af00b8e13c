import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { HaetaeError } from '../../../shared/errors.js';
import { Checkpoint } from '../../../shared/lm/checkpoint.js';
import { readDecoderConfig } from '../../../shared/lm/decoder-config.js';
import { openDecoder } from '../../../shared/lm/open-decoder.js';
import { seededRandom } from '../../../shared/random.js';
import { gemm, mul, sumAll } from '../../../training/autodiff/expressions.js';
import { checkGradients } from '../../../training/autodiff/gradient-check.js';
import { bestTrainingKernels } from '../../../training/autodiff/training-graph.js';
import { decoderParameters } from '../../../training/model/decoder-parameters.js';
import { loadParameters } from '../../../training/model/load-parameters.js';
import { saveCheckpoint } from '../../../training/model/save-checkpoint.js';
import { type TinyCheckpointOptions, writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';
import { randomValues } from '../blocks/forms.js';
import {
  batchFeeds,
  decoderOnTape,
  distance,
  emptyValues,
  tensorsOf,
  trainingLogits,
} from './train-decoder.js';

interface Case {
  name: string;
  dtype: NonNullable<TinyCheckpointOptions['dtype']>;
  config: Record<string, unknown>;
}

const casesFile = new URL('../../reference/transformers/cases.json', import.meta.url);
const cases = JSON.parse(await readFile(casesFile, 'utf8')) as Case[];
const kernels = [...new Set(['runtime', bestTrainingKernels().kernels] as const)];

/** Float32 sums in another order; logits are up to 5. */
const tolerance = 1e-4;
const [rows, length] = [2, 40];

for (const { name, dtype, config: json } of cases) {
  t.test(`after saving, the runtime graph gives the training graph's logits: ${name}`, async (t) => {
    const folder = t.testdir({});
    const family = json.model_type as NonNullable<TinyCheckpointOptions['family']>;
    const original = await writeTinyCheckpoint(join(folder, 'original'), { family, dtype, config: json });
    const config = await readDecoderConfig(original);
    const parameters = decoderParameters(config);
    const values = emptyValues(parameters);
    await loadParameters(await Checkpoint.open(original), parameters, values);
    const saved = join(folder, 'saved');
    await saveCheckpoint(saved, config, parameters, values, { tokenizerFrom: original });
    t.same(await readDecoderConfig(saved), config, 'the configuration is read back as it was');

    const random = seededRandom(3);
    const ids = Array.from({ length: rows * length }, () => Math.floor(random() * config.vocabSize));
    const decoder = await openDecoder(saved, { threads: 1, kernels: 'runtime' });
    t.teardown(() => decoder.close());
    const expected: number[] = [];
    for (let row = 0; row < rows; row++) {
      const tokens = ids.slice(row * length, (row + 1) * length);
      const cache = decoder.createCache(1, length);
      const wanted = tokens.map((_, i) => [0, i] as const);
      expected.push(...(await decoder.step({ cache, rows: [{ slot: 0, tokens }], wanted })).logits);
    }
    const feeds = { ...tensorsOf(parameters, values), ...batchFeeds({ rows, length }, ids) };
    for (const kernel of kernels) {
      const logits = await trainingLogits(config, { rows, length }, feeds, { kernels: kernel });
      const difference = distance(logits, expected);
      t.ok(difference < tolerance, `kernels "${kernel}": ${difference}`);
    }
  });
}

for (const kernel of kernels) {
  t.test(`documents packed into a row do not see each other (kernels "${kernel}")`, async (t) => {
    const family = 'mistral';
    const path = await writeTinyCheckpoint(t.testdir({}), { family, config: { sliding_window: 9 } });
    const config = await readDecoderConfig(path);
    const parameters = decoderParameters(config);
    const values = emptyValues(parameters);
    await loadParameters(await Checkpoint.open(path), parameters, values);
    const weights = tensorsOf(parameters, values);
    const random = seededRandom(4);
    const sizes = [23, 15, 2];
    const packed = Array.from({ length: 40 }, () => Math.floor(random() * config.vocabSize));
    const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
    const visibleFrom = sizes.flatMap((size, i) => new Array<number>(size).fill(starts[i]!));
    const together = await trainingLogits(
      config,
      { rows: 1, length: 40 },
      { ...weights, ...batchFeeds({ rows: 1, length: 40 }, packed, visibleFrom) },
      { kernels: kernel },
    );
    for (const [i, size] of sizes.entries()) {
      const [from, to] = [starts[i]!, starts[i]! + size];
      const shape = { rows: 1, length: size };
      const feeds = { ...weights, ...batchFeeds(shape, packed.slice(from, to)) };
      const alone = await trainingLogits(config, shape, feeds, { kernels: kernel });
      const own = together.subarray(from * config.vocabSize, to * config.vocabSize);
      t.ok(distance(own, alone) < tolerance, `document of ${size} tokens: ${distance(own, alone)}`);
    }
  });
}

t.test('rows longer than the model reaches are refused', async (t) => {
  const config = await readDecoderConfig(await writeTinyCheckpoint(t.testdir({})));
  await t.rejects(
    trainingLogits(config, { rows: 1, length: 257 }, {}),
    new HaetaeError(
      'CONFIG_INVALID',
      'Rows of 257 tokens do not fit a model of 256 positions. Choose shorter rows.',
    ),
  );
});

for (const kernel of kernels) {
  for (const [family, json] of [
    ['llama', { attention_bias: true }],
    ['mistral', { sliding_window: 7 }],
    ['qwen2', {}],
    ['qwen3', { tie_word_embeddings: false }],
  ] as const) {
    t.test(`gradients of all weights of a ${family} (kernels "${kernel}")`, async (t) => {
      const path = await writeTinyCheckpoint(t.testdir({}), { family, config: { ...json, vocab_size: 40 } });
      const config = await readDecoderConfig(path);
      const parameters = decoderParameters(config);
      const values = emptyValues(parameters);
      await loadParameters(await Checkpoint.open(path), parameters, values);
      const random = seededRandom(6);
      const batch = { rows: 2, length: 14 };
      const ids = Array.from({ length: 28 }, () => Math.floor(random() * 40));
      const visibleFrom = ids.map((_, i) => (i < 14 && i >= 9 ? 9 : 0));
      const { worst, worstParameter } = await checkGradients(
        (tape) => {
          const { hidden, head, parameters } = decoderOnTape(tape, config, batch, { trained: 'weights' });
          const logits = gemm(tape, hidden, head, { transB: true });
          const direction = tape.constant(logits.shape, randomValues(logits.shape, 2, 0.1));
          return { loss: sumAll(tape, mul(tape, logits, direction)), parameters };
        },
        { kernels: kernel, values, directions: 1, feeds: batchFeeds(batch, ids, visibleFrom) },
      );
      t.ok(worst < 1e-3, `${worstParameter}: ${worst}`);
    });
  }
}
