import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { Checkpoint } from '../../../shared/lm/checkpoint.js';
import { readDecoderConfig } from '../../../shared/lm/decoder-config.js';
import { fromBfloat16, toBfloat16 } from '../../../shared/onnx/half-float.js';
import { decoderParameters } from '../../../training/model/decoder-parameters.js';
import { initialiseParameters } from '../../../training/model/initialise-parameters.js';
import { llamaConfig } from '../../../training/model/llama-config.js';
import { loadParameters } from '../../../training/model/load-parameters.js';
import { saveCheckpoint } from '../../../training/model/save-checkpoint.js';
import { writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';
import { emptyValues, isSameBits } from './train-decoder.js';

// 1.2 million numbers in the embedding: more than are converted or read at a time.
const config = llamaConfig({
  vocabSize: 40_000,
  hiddenSize: 32,
  nLayer: 1,
  nHead: 2,
  nKvHead: 1,
  tiedHead: false,
});
const parameters = decoderParameters(config);
const values = emptyValues(parameters);
initialiseParameters(parameters, values, 2);

t.test('float32 weights come back to the bit, bfloat16 ones rounded', async (t) => {
  for (const dtype of ['float32', 'bfloat16'] as const) {
    const folder = join(t.testdir({}), dtype);
    await saveCheckpoint(folder, config, parameters, values, { dtype });
    t.same((await readdir(folder)).sort(), ['config.json', 'generation_config.json', 'model.safetensors']);
    t.same(await readDecoderConfig(folder), config);
    const checkpoint = await Checkpoint.open(folder);
    const names = parameters.flatMap(({ parts }) => parts.map(({ name }) => name));
    t.same([...checkpoint.tensors.keys()].sort(), [...names].sort());
    const read = emptyValues(parameters);
    await loadParameters(checkpoint, parameters, read);
    for (const [name, own] of values) {
      const expected = dtype === 'float32' ? own : fromBfloat16(toBfloat16(own));
      t.ok(isSameBits(read.get(name)!, expected), name);
    }
  }
});

t.test("the base's tokenizer and sampling defaults are taken over", async (t) => {
  const folder = t.testdir({});
  const base = await writeTinyCheckpoint(join(folder, 'base'), {
    generationConfig: { temperature: 0.5, eos_token_id: 9 },
  });
  await writeFile(join(base, 'optimizer.pt'), 'not for others');
  await saveCheckpoint(join(folder, 'out'), config, parameters, values, { tokenizerFrom: base });
  const files = await readdir(join(folder, 'out'));
  t.ok(files.includes('tokenizer.json') && files.includes('tokenizer_config.json'));
  t.notOk(files.includes('optimizer.pt'));
  const generation = JSON.parse(
    await readFile(join(folder, 'out', 'generation_config.json'), 'utf8'),
  ) as unknown;
  t.same(generation, { temperature: 0.5, bos_token_id: null, eos_token_id: null });
});

t.test('a folder that is there stays as it is, and a failure leaves nothing', async (t) => {
  const folder = t.testdir({ there: { 'a.txt': 'mine' } });
  await t.rejects(saveCheckpoint(join(folder, 'there'), config, parameters, values), {
    code: 'USAGE',
    message: /there exists already/,
  });
  await t.rejects(saveCheckpoint(join(folder, 'new'), config, parameters, new Map()), RangeError);
  await t.rejects(saveCheckpoint(join(folder, 'new'), { ...config, qkvBias: true }, parameters, values), {
    code: 'MODEL_UNSUPPORTED',
  });
  t.same(await readdir(folder), ['there']);
  t.same(await readdir(join(folder, 'there')), ['a.txt']);
});

t.test('a checkpoint that does not fit leaves the values as they were', async (t) => {
  const path = await writeTinyCheckpoint(t.testdir({}), { family: 'llama' });
  const own = await readDecoderConfig(path);
  for (const wrong of [
    { ...own, intermediateSize: 100 },
    { ...own, nLayer: 3, slidingWindow: [null, null, null] },
    { ...own, qkvBias: true },
  ]) {
    const list = decoderParameters(wrong);
    const memory = emptyValues(list);
    await t.rejects(loadParameters(await Checkpoint.open(path), list, memory), { code: 'MODEL_INVALID' });
    t.ok([...memory.values()].every((it) => it.every((value) => value === 0)));
  }
});
