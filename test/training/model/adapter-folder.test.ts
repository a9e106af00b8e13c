import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Checkpoint } from '../../../shared/lm/checkpoint.js';
import { readDecoderConfig } from '../../../shared/lm/decoder-config.js';
import {
  type NamedTensor,
  readSafetensorsHeader,
  writeSafetensors,
} from '../../../shared/onnx/safetensors.js';
import { loadAdapter, readAdapterFolder, saveAdapter } from '../../../training/model/adapter-folder.js';
import { decoderParameters } from '../../../training/model/decoder-parameters.js';
import { loadParameters } from '../../../training/model/load-parameters.js';
import { loraConfig, loraParameters } from '../../../training/model/lora.js';
import { writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';
import { randomValues } from '../blocks/forms.js';
import { batchFeeds, distance, emptyValues, tensorsOf, trainingLogits } from './train-decoder.js';

const reference = fileURLToPath(new URL('../../reference/peft/', import.meta.url));
const peftAdapter = join(reference, 'adapter');

interface PeftLogits {
  tokens: number[];
  base: number[][];
  adapted: number[][];
}

t.test("an adapter written by PEFT gives PEFT's logits", async (t) => {
  const { tokens, base, adapted } = JSON.parse(
    await readFile(join(reference, 'logits.json'), 'utf8'),
  ) as PeftLogits;
  const path = await writeTinyCheckpoint(t.testdir({}));
  const config = await readDecoderConfig(path);
  const parameters = decoderParameters(config);
  const values = emptyValues(parameters);
  await loadParameters(await Checkpoint.open(path), parameters, values);

  const { r, alpha, targets, dropout } = await readAdapterFolder(peftAdapter);
  t.same(
    { r, alpha, targets, dropout },
    { r: 4, alpha: 6, targets: ['q', 'v', 'gate', 'down'], dropout: 0.05 },
  );
  const lora = loraConfig({ r, alpha, targets });
  const adapters = loraParameters(config, lora);
  const own = emptyValues(adapters);
  await loadAdapter(peftAdapter, adapters, own);

  const batch = { rows: 1, length: tokens.length };
  const feeds = {
    ...tensorsOf(parameters, values),
    ...batchFeeds(batch, tokens),
    ...tensorsOf(adapters, own),
  };
  const sampled = (logits: Float32Array) =>
    tokens.flatMap((_, i) => {
      const row = logits.subarray(i * config.vocabSize, (i + 1) * config.vocabSize);
      return i % 5 === 0 ? [...row.filter((_, token) => token % 37 === 0)] : [];
    });
  // Float32 sums in another order; logits are up to 5.
  t.ok(distance(sampled(await trainingLogits(config, batch, feeds)), base.flat()) < 2e-5);
  t.ok(distance(sampled(await trainingLogits(config, batch, feeds, { lora })), adapted.flat()) < 2e-5);
  t.ok(distance(base.flat(), adapted.flat()) > 0.1, 'the adapter does something');
});

t.test('a saved adapter has the tensors and fields of PEFT, and is read back as it was', async (t) => {
  const folder = t.testdir({});
  const config = await readDecoderConfig(await writeTinyCheckpoint(join(folder, 'model')));
  const lora = loraConfig({ r: 4, alpha: 6, targets: ['q', 'v', 'gate', 'down'] });
  const parameters = loraParameters(config, lora);
  const values = new Map(parameters.map(({ name, shape }, i) => [name, randomValues(shape, i)]));
  const out = join(folder, 'adapter');
  await saveAdapter(out, lora, parameters, values, { baseModel: 'some/model' });
  t.same((await readdir(out)).sort(), ['adapter_config.json', 'adapter_model.safetensors']);

  const shapes = async (path: string) => {
    const { tensors } = await readSafetensorsHeader(join(path, 'adapter_model.safetensors'));
    return Object.fromEntries([...tensors].sort().map(([name, { shape, type }]) => [name, { shape, type }]));
  };
  t.same(await shapes(out), await shapes(peftAdapter), 'names, shapes and types');
  const json = async (path: string) =>
    JSON.parse(await readFile(join(path, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
  const [ours, theirs] = [await json(out), await json(peftAdapter)];
  for (const field of ['peft_type', 'task_type', 'r', 'lora_alpha', 'bias', 'use_dora', 'fan_in_fan_out']) {
    t.same(ours[field], theirs[field], field);
  }
  t.same(ours.base_model_name_or_path, 'some/model');
  t.same([...(ours.target_modules as string[])].sort(), [...(theirs.target_modules as string[])].sort());

  const again = emptyValues(parameters);
  await loadAdapter(out, parameters, again);
  t.same(again, values);
  await t.rejects(saveAdapter(out, lora, parameters, values), { code: 'USAGE', message: /exists already/ });
});

t.test('an adapter of another kind is refused by the name of what it has', async (t) => {
  const refused: [field: string, value: unknown, code: string, message: RegExp][] = [
    ['peft_type', 'IA3', 'MODEL_UNSUPPORTED', /peft_type: "IA3"; supported: LORA/],
    ['peft_type', undefined, 'MODEL_UNSUPPORTED', /peft_type: undefined/],
    ['use_dora', true, 'MODEL_UNSUPPORTED', /use_dora: true; supported: its default/],
    ['use_rslora', true, 'MODEL_UNSUPPORTED', /use_rslora: true/],
    ['rank_pattern', { q_proj: 8 }, 'MODEL_UNSUPPORTED', /rank_pattern: \{"q_proj":8\}/],
    ['alpha_pattern', { q_proj: 8 }, 'MODEL_UNSUPPORTED', /alpha_pattern/],
    ['modules_to_save', ['lm_head'], 'MODEL_UNSUPPORTED', /modules_to_save: \["lm_head"\]/],
    ['layers_to_transform', 0, 'MODEL_UNSUPPORTED', /layers_to_transform: 0/],
    ['bias', 'all', 'MODEL_UNSUPPORTED', /bias: "all"/],
    ['lora_bias', true, 'MODEL_UNSUPPORTED', /lora_bias/],
    ['fan_in_fan_out', true, 'MODEL_UNSUPPORTED', /fan_in_fan_out/],
    ['init_lora_weights', 'pissa', 'MODEL_UNSUPPORTED', /init_lora_weights: "pissa"/],
    ['a_field_of_tomorrow', 'x', 'MODEL_UNSUPPORTED', /a_field_of_tomorrow: "x"/],
    ['r', 'four', 'MODEL_INVALID', /says r: "four"/],
    ['r', 5, 'MODEL_INVALID', /which is not of rank 5/],
    ['lora_alpha', null, 'MODEL_INVALID', /says lora_alpha: null/],
    ['lora_dropout', 'some', 'MODEL_INVALID', /says lora_dropout: "some"/],
  ];
  for (const [i, [field, value, code, message]] of refused.entries()) {
    const folder = join(t.testdirName, String(i));
    await cp(peftAdapter, folder, { recursive: true });
    const path = join(folder, 'adapter_config.json');
    const json = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    await writeFile(path, JSON.stringify({ ...json, [field]: value }));
    await t.rejects(readAdapterFolder(folder), { code, message }, `${field}: ${JSON.stringify(value)}`);
  }
  t.testdir({});
});

t.test('damaged folders are refused', async (t) => {
  const folder = t.testdir({
    broken: { 'adapter_config.json': '{' },
    list: { 'adapter_config.json': '[]' },
    empty: {},
  });
  await t.rejects(readAdapterFolder(join(folder, 'nowhere')), { code: 'FILE_NOT_FOUND' });
  await t.rejects(readAdapterFolder(join(folder, 'empty')), {
    code: 'MODEL_INVALID',
    message: /has no adapter_config/,
  });
  await t.rejects(readAdapterFolder(join(folder, 'broken')), {
    code: 'MODEL_INVALID',
    message: /is not JSON/,
  });
  await t.rejects(readAdapterFolder(join(folder, 'list')), {
    code: 'MODEL_INVALID',
    message: /is not an object/,
  });

  const lora = { peft_type: 'LORA', r: 2, lora_alpha: 2 };
  await writeFile(join(folder, 'list', 'adapter_config.json'), JSON.stringify(lora));
  await t.rejects(readAdapterFolder(join(folder, 'list')), {
    code: 'MODEL_INVALID',
    message: /cannot be opened/,
  });
  await writeFile(join(folder, 'list', 'adapter_model.bin'), '');
  await t.rejects(readAdapterFolder(join(folder, 'list')), {
    code: 'MODEL_UNSUPPORTED',
    message: /is a pickle/,
  });
  const layer = 'base_model.model.model.layers';
  const tensor = (name: string, ...shape: number[]) =>
    ({
      name: `${layer}.${name}.weight`,
      type: 'float32',
      shape,
      data: randomValues(shape, 1),
    }) as const satisfies NamedTensor;
  const files: [tensors: NamedTensor[], message: RegExp][] = [
    [[], /has no tensors/],
    [[tensor('0.self_attn.q_proj.lora_A', 2, 4)], /has not both tensors of q_proj in layer 0/],
    [
      [{ ...tensor('0.self_attn.q_proj.lora_A', 2, 4), type: 'int32' }],
      /q_proj\.lora_A\.weight: int32"; supported: float32/,
    ],
    [[tensor('0.mlp.experts.lora_A', 2, 4)], /says tensor: ".*experts/],
    [[tensor('0.self_attn.q_proj.lora_magnitude_vector', 2, 4)], /magnitude/],
    [[tensor('0.self_attn.q_proj.lora_A', 3, 4), tensor('0.self_attn.q_proj.lora_B', 4, 3)], /not of rank 2/],
    [
      [
        ...[tensor('0.self_attn.q_proj.lora_A', 2, 4), tensor('0.self_attn.q_proj.lora_B', 4, 2)],
        ...[tensor('1.self_attn.v_proj.lora_A', 2, 4), tensor('1.self_attn.v_proj.lora_B', 4, 2)],
      ],
      /has not both tensors of q_proj in layer 1/,
    ],
  ];
  for (const [tensors, message] of files) {
    const at = join(folder, 'empty');
    await writeFile(join(at, 'adapter_config.json'), JSON.stringify(lora));
    await writeSafetensors(join(at, 'adapter_model.safetensors'), tensors);
    await t.rejects(readAdapterFolder(at), { message });
  }
});

t.test('an adapter of another model is refused', async (t) => {
  const path = await writeTinyCheckpoint(t.testdir({}), { config: { hidden_size: 32 } });
  const config = await readDecoderConfig(path);
  const wider = loraParameters(config, loraConfig({ r: 4, targets: ['q', 'v', 'gate', 'down'] }));
  await t.rejects(loadAdapter(peftAdapter, wider, emptyValues(wider)), {
    code: 'MODEL_INVALID',
    message: /q_proj\.lora_A\.weight" has the shape \[4, 64\], the model asks for \[4, 32\]/,
  });
  const fewer = loraParameters(
    { ...config, hiddenSize: 64, headDim: 16, nLayer: 1 },
    loraConfig({ r: 4, targets: ['q', 'v', 'gate', 'down'] }),
  );
  await t.rejects(loadAdapter(peftAdapter, fewer, emptyValues(fewer)), {
    message: /layers\.1\..*belongs to no adapter of this model and run/,
  });
});
