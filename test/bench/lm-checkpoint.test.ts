import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { checkpointTensors, type LmShape, writeLmCheckpoint } from '../../bench/lm-checkpoint.js';
import { byteLevelVocabulary } from '../../bench/lm-vocabulary.js';
import { readDecoderConfig } from '../../shared/lm/decoder-config.js';
import { dequantizeBlocks, quantizeBlocks } from '../../shared/lm/quantize/quantize-blocks.js';
import { openTokenizer } from '../../shared/lm/tokenizer.js';
import { readFloatTensor, readSafetensorsHeader } from '../../shared/onnx/safetensors.js';

const tiny: LmShape = {
  hiddenSize: 64,
  intermediateSize: 96,
  nLayer: 2,
  nHead: 4,
  nKvHead: 2,
  vocabSize: 300,
  maxPositions: 128,
};

t.test('a random checkpoint is one that the product reads, and the same for the same seed', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'haetae-lm-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const [first, again, other] = ['a', 'b', 'c'].map((name) => join(folder, name)) as [string, string, string];
  await writeLmCheckpoint(first, tiny, 1);
  await writeLmCheckpoint(again, tiny, 1);
  await writeLmCheckpoint(other, tiny, 2);
  const weights = (of: string) => readFile(join(of, 'model.safetensors'));
  t.ok((await weights(first)).equals(await weights(again)));
  t.notOk((await weights(first)).equals(await weights(other)));

  const path = join(first, 'model.safetensors');
  const { tensors } = await readSafetensorsHeader(path);
  t.same(
    [...tensors].map(([name, { shape }]) => ({ name, shape })),
    checkpointTensors(tiny).map(({ name, shape }) => ({ name, shape })),
  );
  const config = await readDecoderConfig(first);
  t.match(config, { family: 'qwen2', hiddenSize: 64, nLayer: 2, nKvHead: 2, qkvBias: true, tiedHead: true });

  t.test('its matrices lose nothing in int4, and its norms are about 1', async (t) => {
    const { data } = await readFloatTensor(path, 'model.layers.1.mlp.down_proj.weight');
    const format = { bits: 4, block: 32 } as const;
    t.same(dequantizeBlocks(quantizeBlocks(data, format), format), data);
    const norm = await readFloatTensor(path, 'model.norm.weight');
    t.ok(norm.data.every((value) => value > 0.89 && value < 1.11));
    t.ok(new Set(norm.data).size > 5);
  });

  t.test('its tokenizer has every id, and gives texts back', async (t) => {
    const tokenizer = await openTokenizer(join(first, 'tokenizer.json'));
    t.equal(tokenizer.vocabSize, tiny.vocabSize);
    const ids = await tokenizer.encode('abc 금융');
    t.equal(ids.length, 2 + 1 + 6, 'one merge, then bytes');
    t.equal(await tokenizer.decode(ids), 'abc 금융');
    t.equal(tokenizer.tokenToId('<|im_end|>'), config.eosTokenIds[0]);
    const { tokens } = byteLevelVocabulary(tiny.vocabSize);
    t.equal(new Set(tokens).size, tiny.vocabSize);
    t.throws(() => byteLevelVocabulary(100), /at least 259 tokens/);
  });
});
