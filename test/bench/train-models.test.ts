import t from 'tap';
import {
  flopsPerStep,
  modelParameters,
  randomBatch,
  tokensPerStep,
  trainModels,
} from '../../bench/train-models.js';
import { llamaConfig } from '../../training/model/llama-config.js';
import { loraConfig } from '../../training/model/lora.js';

t.test('the models have about the parameters of their names', async (t) => {
  const sizes = new Map(trainModels(false).map((model) => [model.name, modelParameters(model) / 1e6]));
  t.same([...sizes.keys()], ['1M', '7M', '20M', '100MLora']);
  for (const [name, millions] of sizes) {
    const named = Number.parseInt(name, 10);
    t.ok(Math.abs(millions / named - 1) < 0.1, `${name}: ${millions}`);
  }
  const seven = trainModels(false)[1]!;
  t.match(seven.config, {
    vocabSize: 8192,
    hiddenSize: 256,
    nLayer: 6,
    nHead: 4,
    headDim: 64,
    tiedHead: true,
  });
  t.equal(tokensPerStep(seven), 2048);
});

t.test('operations of a step are those of its products', async (t) => {
  const config = llamaConfig({ vocabSize: 50, hiddenSize: 8, nLayer: 3, nHead: 2, intermediateSize: 16 });
  const model = { config, rows: 2, length: 10, lora: null };
  const weights = 3 * (4 * 8 * 8 + 3 * 8 * 16) + 50 * 8;
  const pairs = 2 * ((10 * 11) / 2);
  const attention = (count: number) => 3 * 12 * 8 * count;
  t.equal(flopsPerStep(model).causal, 6 * weights * 20 + attention(pairs));
  t.equal(flopsPerStep(model).full, 6 * weights * 20 + attention(2 * 10 * 10));
});

t.test('of frozen weights no gradient is counted, of adapters everything', async (t) => {
  const config = llamaConfig({ vocabSize: 50, hiddenSize: 8, nLayer: 1, nHead: 2, intermediateSize: 16 });
  const shape = { config, rows: 2, length: 10 };
  const plain = flopsPerStep({ ...shape, lora: null });
  const adapted = flopsPerStep({ ...shape, lora: loraConfig({ r: 2 }) });
  const weights = 4 * 8 * 8 + 3 * 8 * 16 + 50 * 8;
  const adapters = 2 * (4 * (8 + 8) + 3 * (8 + 16));
  t.equal(adapted.causal - plain.causal, 20 * (6 * adapters - 2 * weights));
});

t.test('a batch is seeded, and its labels are the next tokens', async (t) => {
  const [model] = trainModels(true);
  const batch = randomBatch(model!, 3);
  t.same(batch, randomBatch(model!, 3));
  t.notSame(batch, randomBatch(model!, 4));
  t.equal(batch.ids.length, tokensPerStep(model!));
  for (const [at, id] of batch.ids.entries()) {
    t.ok(id >= 0n && id < BigInt(model!.config.vocabSize));
    if (at % model!.length > 0) t.equal(batch.labels[at - 1], id);
  }
});
