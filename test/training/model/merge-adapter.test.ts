import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Checkpoint } from '../../../shared/lm/checkpoint.js';
import { readDecoderConfig } from '../../../shared/lm/decoder-config.js';
import { openDecoder } from '../../../shared/lm/open-decoder.js';
import { readFloatTensor } from '../../../shared/onnx/safetensors.js';
import { saveAdapter } from '../../../training/model/adapter-folder.js';
import { decoderParameters } from '../../../training/model/decoder-parameters.js';
import { loadParameters } from '../../../training/model/load-parameters.js';
import { loraConfig, loraParameters } from '../../../training/model/lora.js';
import { mergeAdapter } from '../../../training/model/merge-adapter.js';
import { type TinyCheckpointOptions, writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';
import { randomValues } from '../blocks/forms.js';
import { batchFeeds, distance, emptyValues, isSameBits, tensorsOf, trainingLogits } from './train-decoder.js';

const peft = fileURLToPath(new URL('../../reference/peft/', import.meta.url));

async function modelAndAdapter(folder: string, options: TinyCheckpointOptions, targets?: readonly string[]) {
  const base = await writeTinyCheckpoint(join(folder, 'base'), options);
  const config = await readDecoderConfig(base);
  const lora = loraConfig({ r: 3, alpha: 4.5, ...(targets ? { targets } : {}) });
  const parameters = loraParameters(config, lora);
  const values = new Map(parameters.map(({ name, shape }, i) => [name, randomValues(shape, i, 0.1)]));
  const adapter = join(folder, 'adapter');
  await saveAdapter(adapter, lora, parameters, values);
  return { base, adapter, out: join(folder, 'out'), config, lora, adapters: tensorsOf(parameters, values) };
}

async function runtimeLogits(folder: string, tokens: number[]): Promise<Float32Array> {
  const decoder = await openDecoder(folder, { threads: 1, kernels: 'runtime' });
  try {
    const cache = decoder.createCache(1, tokens.length);
    const wanted = tokens.map((_, i) => [0, i] as const);
    return (await decoder.step({ cache, rows: [{ slot: 0, tokens }], wanted })).logits.slice();
  } finally {
    await decoder.close();
  }
}

const tokens = Array.from({ length: 20 }, (_, i) => (i * 31 + 7) % 512);

t.test('a merged model gives the logits of base and adapter', async (t) => {
  for (const [i, options] of (
    [
      { family: 'llama', config: { attention_bias: true } },
      { family: 'qwen3', shards: 3 },
    ] satisfies TinyCheckpointOptions[]
  ).entries()) {
    const it = await modelAndAdapter(join(t.testdir({}), String(i)), options);
    const result = await mergeAdapter(it);
    t.equal(result.merged, 14, 'seven in each of two layers');
    const parameters = decoderParameters(it.config);
    const values = emptyValues(parameters);
    await loadParameters(await Checkpoint.open(it.base), parameters, values);
    const batch = { rows: 1, length: tokens.length };
    const feeds = { ...tensorsOf(parameters, values), ...it.adapters, ...batchFeeds(batch, tokens) };
    const expected = await trainingLogits(it.config, batch, feeds, { lora: it.lora });
    const base = await trainingLogits(it.config, batch, feeds);
    t.ok(distance(await runtimeLogits(it.out, tokens), expected) < 1e-4);
    t.ok(distance(expected, base) > 0.05, 'the adapter does something');
  }
});

t.test("PEFT's adapter, merged, gives PEFT's logits", async (t) => {
  const folder = t.testdir({});
  const base = await writeTinyCheckpoint(join(folder, 'base'));
  const out = join(folder, 'out');
  await mergeAdapter({ base, adapter: join(peft, 'adapter'), out });
  const reference = JSON.parse(await readFile(join(peft, 'logits.json'), 'utf8')) as {
    tokens: number[];
    adapted: number[][];
  };
  const logits = await runtimeLogits(out, reference.tokens);
  const sampled = reference.adapted.map((row, i) => row.map((_, j) => logits[i * 5 * 512 + j * 37]!));
  t.ok(distance(sampled.flat(), reference.adapted.flat()) < 5e-5);
});

t.test(
  'what an adapter does not touch keeps its bytes; sums are rounded once to the type of the base',
  async (t) => {
    for (const dtype of ['bfloat16', 'float16', 'float32'] as const) {
      const folder = join(t.testdir({}), dtype);
      const it = await modelAndAdapter(folder, { family: 'llama', dtype, shards: 2 }, ['v']);
      await mergeAdapter(it);
      t.same(
        (await readdir(it.out)).sort(),
        (await readdir(it.base)).sort(),
        'the files are those of the base',
      );
      for (const file of ['config.json', 'tokenizer.json', 'generation_config.json']) {
        t.same(await readFile(join(it.out, file)), await readFile(join(it.base, file)), file);
      }
      const [base, merged] = [await Checkpoint.open(it.base), await Checkpoint.open(it.out)];
      t.same([...merged.tensors.keys()].sort(), [...base.tensors.keys()].sort());
      const steps = { bfloat16: 2 ** -8, float16: 2 ** -11, float32: 2 ** -24 };
      const weights = join(it.adapter, 'adapter_model.safetensors');
      for (const [name, { type, shape }] of base.tensors) {
        t.equal(merged.tensor(name, shape).type, type);
        const [before, after] = [await base.read(name), await merged.read(name)];
        if (!name.includes('v_proj')) {
          t.ok(isSameBits(after, before), name);
          continue;
        }
        const adapterName = `base_model.model.${name.replace('.weight', '')}`;
        const { data: a } = await readFloatTensor(weights, `${adapterName}.lora_A.weight`);
        const { data: b } = await readFloatTensor(weights, `${adapterName}.lora_B.weight`);
        const [rows, columns] = shape as [number, number];
        let worst = 0;
        for (let o = 0; o < rows; o++) {
          for (let i = 0; i < columns; i++) {
            let sum = 0;
            for (let k = 0; k < 3; k++) sum += b[o * 3 + k]! * a[k * columns + i]!;
            const exact = before[o * columns + i]! + 1.5 * sum;
            worst = Math.max(worst, Math.abs(after[o * columns + i]! - exact) / Math.abs(exact));
          }
        }
        t.ok(worst <= steps[dtype] * 1.001, `${name}: ${worst}`);
        t.notOk(isSameBits(after, before));
      }
    }
  },
);

t.test('what cannot be merged is refused, and leaves nothing behind', async (t) => {
  const folder = t.testdir({});
  const it = await modelAndAdapter(folder, { family: 'llama' });
  await t.rejects(mergeAdapter({ ...it, out: it.base }), { code: 'USAGE' }, 'into the base');
  await t.rejects(mergeAdapter({ ...it, out: it.adapter }), { code: 'USAGE', message: /exists already/ });
  await t.rejects(mergeAdapter({ ...it, adapter: join(folder, 'nowhere') }), { code: 'FILE_NOT_FOUND' });
  await t.rejects(
    mergeAdapter({ ...it, base: it.adapter }),
    { code: 'MODEL_INVALID' },
    'a base without a model',
  );

  const deeper = await writeTinyCheckpoint(join(folder, 'deeper'), {
    family: 'llama',
    config: { num_hidden_layers: 3 },
  });
  await t.rejects(mergeAdapter({ ...it, base: deeper }), {
    code: 'MODEL_INVALID',
    message: /layers\.2\..* is missing/,
  });
  const shallow = await writeTinyCheckpoint(join(folder, 'shallow'), {
    family: 'llama',
    config: { num_hidden_layers: 1 },
  });
  await t.rejects(mergeAdapter({ ...it, base: shallow }), {
    code: 'MODEL_INVALID',
    message: /is of another model: it has 28 tensors, and the 1 layers/,
  });
  const wider = await writeTinyCheckpoint(join(folder, 'wider'), {
    family: 'llama',
    config: { intermediate_size: 128 },
  });
  await t.rejects(mergeAdapter({ ...it, base: wider }), {
    code: 'MODEL_INVALID',
    message: /has the shape \[96, 3\]/,
  });

  const abort = new AbortController();
  abort.abort(new Error('interrupted'));
  await t.rejects(mergeAdapter({ ...it, signal: abort.signal }), /interrupted/);
  const config = JSON.parse(await readFile(join(it.base, 'config.json'), 'utf8')) as Record<string, unknown>;
  const quantization = {
    quant_method: 'haetae',
    bits: 4,
    block_size: 32,
    head_bits: 8,
    embedding: 'checkpoint',
  };
  await writeFile(
    join(it.base, 'config.json'),
    JSON.stringify({ ...config, quantization_config: quantization }),
  );
  await t.rejects(mergeAdapter(it), { code: 'MODEL_UNSUPPORTED', message: /is quantised/ });
  await writeFile(join(it.base, 'config.json'), JSON.stringify(config));
  await rm(join(it.base, 'config.json'));
  await t.rejects(mergeAdapter(it), { code: 'MODEL_INVALID', message: /no config\.json/ });
  t.same((await readdir(folder)).sort(), ['adapter', 'base', 'deeper', 'shallow', 'wider']);
});
