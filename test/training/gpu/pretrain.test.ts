/**
 * `training/gpu` against the trainer and the runtime of this project: `test/reference/gpu/pretrain.py` runs it on the
 * run file beside it, this runs `haetae train pretrain` on the same one. Held out documents, the order of documents and
 * rows, packing, the schedule, clipping and weight decay are all in the losses; float32 in another order of addition was
 * found within 3e-7 in every one of them.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openDecoder } from '../../../shared/lm/open-decoder.js';
import { quantizeFolder } from '../../../shared/lm/quantize/quantize-folder.js';
import { quantizedBytes } from '../../../shared/lm/quantized-tensor.js';
import { readDecoderConfig } from '../../../shared/lm/decoder-config.js';
import { decoderConfigJson, generationConfigJson } from '../../../training/model/config-json.js';
import { decoderParameters, parameterCount } from '../../../training/model/decoder-parameters.js';
import { type LlamaSizes, llamaConfig } from '../../../training/model/llama-config.js';
import { writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';
import { figuresOf, runTiny } from '../programs/tiny-runs.js';

const tolerance = 1e-5;
const reference = fileURLToPath(new URL('../../reference/gpu/', import.meta.url));
const sizesFile = new URL('../../../training/gpu/sizes.json', import.meta.url);
const at = (name: string) => join(reference, name);

interface Reference {
  /** Of each step, and of each validation. */
  metrics: Record<string, number>[];
  tokens: number[];
  positions: number[];
  /** Of the result, at `positions` of `tokens`. */
  logits: number[][];
}

const { metrics, tokens, positions, logits } = JSON.parse(
  await readFile(at('pretrain.json'), 'utf8'),
) as Reference;
const readJson = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;

t.test('a run file gives the same figures here and in PyTorch, step by step', async (t) => {
  const root = t.testdir({});
  await writeTinyCheckpoint(join(root, 'start'), {
    family: 'llama',
    config: await readJson(at('model/config.json')),
    generationConfig: null,
  });
  const places = {
    OUTPUT: join(root, 'run'),
    START: join(root, 'start'),
    TOKENIZER: at('tokenizer'),
    DATA: at('data'),
  };
  let text = await readFile(at('run.yaml'), 'utf8');
  for (const [name, place] of Object.entries(places)) text = text.replaceAll(name, place);
  await runTiny('pretrain', text);
  const figures = await figuresOf(places.OUTPUT);
  t.equal(figures.length, metrics.length);
  t.ok(
    metrics.some(({ gradNorm }) => gradNorm! > 1.5) && metrics.some(({ gradNorm }) => gradNorm! < 1.5),
    'some gradients are clipped, and some are not',
  );
  let largest = 0;
  for (const [i, expected] of metrics.entries()) {
    const found = figures[i]!;
    t.strictSame(Object.keys(found).sort(), Object.keys(expected).sort());
    for (const [name, value] of Object.entries(expected)) {
      const error = Math.abs(found[name]! - value) / Math.max(1e-9, Math.abs(value));
      largest = Math.max(largest, error);
      t.ok(error <= tolerance, `step ${expected.step}: ${name} ${found[name]} for ${value}`);
    }
  }
  t.comment(`largest relative error ${largest}`);
});

t.test('its folder is what this project writes, and gives the logits of PyTorch', async (t) => {
  const config = await readDecoderConfig(at('model'));
  t.strictSame(await readJson(at('model/config.json')), decoderConfigJson(config, 'float32'));
  t.strictSame(await readJson(at('model/generation_config.json')), generationConfigJson(config));
  t.strictSame((await readdir(at('model'))).sort(), [
    ...['config.json', 'generation_config.json', 'model.safetensors'],
    ...['tokenizer.json', 'tokenizer_config.json'],
  ]);
  const decoder = await openDecoder(at('model'), { threads: 1 });
  t.teardown(() => decoder.close());
  const cache = decoder.createCache(1, tokens.length);
  const wanted = positions.map((position) => [0, position] as const);
  const step = await decoder.step({ cache, rows: [{ slot: 0, tokens }], wanted });
  const expected = logits.flat();
  t.equal(step.logits.length, expected.length);
  const distance = Math.max(...expected.map((value, i) => Math.abs(value - step.logits[i]!)));
  t.ok(distance < 1e-4, `logits are off by ${distance}`);
});

t.test('its folder is quantised as any other', async (t) => {
  const out = join(t.testdir({}), 'int4');
  await quantizeFolder({
    ...{ model: at('model'), out, method: 'rtn' },
    ...{ bits: 4, blockSize: 32, headBits: 4, embedding: 'head' },
  });
  const decoder = await openDecoder(out, { threads: 1 });
  t.teardown(() => decoder.close());
  t.match(decoder.config, { quantization: { bits: 4 }, vocabSize: 320 });
});

t.test('the sizes have as many parameters as their names say, and fit what may be committed', async (t) => {
  const sizes = (await readJson(fileURLToPath(sizesFile))) as unknown as Record<string, LlamaSizes>;
  t.strictSame(Object.keys(sizes), ['30m']);
  for (const [name, shape] of Object.entries(sizes)) {
    const parameters = decoderParameters(llamaConfig({ ...shape, vocabSize: 12_000 }));
    const millions = parameterCount(parameters) / 1e6;
    t.ok(Math.abs(millions / Number.parseFloat(name) - 1) < 0.05, `${name} has ${millions} million`);
    const bytes = parameters.reduce(
      (sum, { shape: [n = 0, k] }) => sum + (k === undefined ? 4 * n : quantizedBytes(n, k, 4, 32)),
      0,
    );
    t.ok(bytes < 24e6, `${name} takes ${bytes} bytes at 4 bits`);
    t.equal(bytes, 18_585_600 + 34_816, 'as README.md reckons');
  }
});
