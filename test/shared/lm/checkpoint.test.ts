import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import t from 'tap';
import { Checkpoint } from '../../../shared/lm/checkpoint.js';
import { openDecoder } from '../../../shared/lm/open-decoder.js';
import { toBfloat16, toFloat16 } from '../../../shared/onnx/half-float.js';
import { writeSafetensors } from '../../../shared/onnx/safetensors.js';
import { tinyShapes, tinyConfig, tinyWeights, writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';

const index = 'model.safetensors.index.json';

t.test('shards hold together what one file holds', async (t) => {
  const folder = t.testdir({});
  const whole = await Checkpoint.open(await writeTinyCheckpoint(join(folder, 'whole')));
  const sharded = await Checkpoint.open(await writeTinyCheckpoint(join(folder, 'sharded'), { shards: 3 }));
  t.same([...sharded.tensors.keys()].sort(), [...whole.tensors.keys()].sort());
  t.equal(new Set([...sharded.tensors.values()].map((it) => it.location)).size, 3);
  t.ok(sharded.bytes > whole.bytes, 'three headers');
  for (const [name, shape] of tinyShapes(tinyConfig())) {
    t.same(await sharded.read(name), tinyWeights(name, shape), name);
    t.same(whole.tensor(name, shape).shape, shape);
  }
});

t.test('rows are read on their own and widened from half types', async (t) => {
  const folder = t.testdir({});
  const values = Float32Array.from({ length: 12 }, (_, i) => i / 3 - 2);
  const shape = [4, 3];
  await writeSafetensors(join(folder, 'model.safetensors'), [
    { name: 'f32', type: 'float32', shape, data: values },
    { name: 'f16', type: 'float16', shape, data: toFloat16(values) },
    { name: 'bf16', type: 'bfloat16', shape, data: toBfloat16(values) },
    { name: 'i8', type: 'int8', shape: [2], data: Int8Array.of(1, 2) },
  ]);
  const checkpoint = await Checkpoint.open(folder);
  for (const [name, precision] of [
    ['f32', 0],
    ['f16', 2 ** -10],
    ['bf16', 2 ** -7],
  ] as const) {
    const all = await checkpoint.read(name);
    all.forEach((value, i) => {
      t.ok(Math.abs(value - values[i]!) <= precision * Math.abs(values[i]!), `${name} ${i}`);
    });
    t.same(await checkpoint.readRows(name, 1, 2), all.slice(3, 9));
    t.same(await checkpoint.readRows(name, 4, 0), new Float32Array(0));
    await t.rejects(checkpoint.readRows(name, 3, 2), RangeError);
  }
  await t.rejects(checkpoint.read('i8'), {
    code: 'MODEL_INVALID',
    message: /"i8" is I8, expected F32 or F16 or BF16/,
  });
});

t.test('a hub cache, whose files are links to blobs, is read and served by its real files', async (t) => {
  const root = t.testdir({ blobs: {} });
  for (const shards of [1, 2]) {
    const folder = join(root, 'snapshots', `rev${shards}`);
    const source = await writeTinyCheckpoint(join(root, `source${shards}`), { shards });
    const before = await openDecoder(source, { threads: 1 });
    const expected = await before.step({
      cache: before.createCache(1, 8),
      rows: [{ slot: 0, tokens: [1, 2] }],
    });
    await before.close();
    await mkdir(folder, { recursive: true });
    const { tensors } = await Checkpoint.open(source);
    const weights = [...new Set([...tensors.values()].map(({ path }) => basename(path)))];
    for (const [i, file] of [...weights, 'config.json', ...(shards > 1 ? [index] : [])].entries()) {
      await rename(join(source, file), join(root, 'blobs', `${shards}-${i}`));
      await symlink(join('..', '..', 'blobs', `${shards}-${i}`), join(folder, file));
    }
    const decoder = await openDecoder(folder, { threads: 1 });
    const { logits } = await decoder.step({
      cache: decoder.createCache(1, 8),
      rows: [{ slot: 0, tokens: [1, 2] }],
    });
    t.same(logits, expected.logits);
    await decoder.close();
  }
});

t.test('shards whose real files lie far apart are found below the folder they share', async (t) => {
  const root = t.testdir({ a: { deep: {} }, b: {} });
  const folder = await writeTinyCheckpoint(join(root, 'model'), { shards: 2 });
  for (const [number, where] of [
    [1, 'a/deep'],
    [2, 'b'],
  ] as const) {
    const file = `model-0000${number}-of-00002.safetensors`;
    await rename(join(folder, file), join(root, where, `blob${number}`));
    await symlink(join('..', where, `blob${number}`), join(folder, file));
  }
  const locations = new Set([...(await Checkpoint.open(folder)).tensors.values()].map((it) => it.location));
  t.same([...locations].sort(), ['a/deep/blob1', 'b/blob2']);
  const decoder = await openDecoder(folder, { threads: 1 });
  await decoder.close();
});

t.test('what is missing, damaged or there twice is named', async (t) => {
  const folder = join(t.testdir({}), 'model');
  const refuse = (message: RegExp) => t.rejects(Checkpoint.open(folder), { code: 'MODEL_INVALID', message });
  await mkdir(folder);
  await refuse(/neither model\.safetensors nor model\.safetensors\.index\.json/);
  t.equal(await Checkpoint.isIn(folder), false);
  for (const text of [
    '{',
    '[]',
    'null',
    '{"weight_map":{}}',
    '{"weight_map":{"a":1}}',
    '{"weight_map":[]}',
  ]) {
    await writeFile(join(folder, index), text);
    await refuse(/index\.json (is not JSON|has no weight_map)/);
  }
  for (const file of ['../x.safetensors', '/x.safetensors', 'x.bin', 'a\\b.safetensors']) {
    await writeFile(join(folder, index), JSON.stringify({ weight_map: { a: file } }));
    await refuse(/has no weight_map of tensors to \.safetensors files \("a" is in/);
  }
  await rm(folder, { recursive: true });
  await writeTinyCheckpoint(folder, { shards: 2 });
  t.equal(await Checkpoint.isIn(folder), true);
  const first = 'model-00001-of-00002.safetensors';
  const second = 'model-00002-of-00002.safetensors';
  const map = { 'model.norm.weight': first, 'lm_head.weight': second };
  await writeFile(join(folder, index), JSON.stringify({ weight_map: { ...map, extra: first } }));
  await refuse(/puts tensor "(extra|lm_head\.weight|model\.norm\.weight)" into/);
  await rm(join(folder, second));
  await refuse(/model-00002-of-00002\.safetensors is missing/);
  const twice = [{ name: 'w', type: 'float32', shape: [1], data: Float32Array.of(1) }] as const;
  await writeSafetensors(join(folder, first), twice);
  await writeSafetensors(join(folder, second), twice);
  await writeFile(join(folder, index), JSON.stringify({ weight_map: { w: first, v: second } }));
  await refuse(/tensor "w" is in two files/);
});

t.test('a decoder whose weights are missing or of another shape is not opened', async (t) => {
  const open = async (change: Record<string, unknown>, family: 'qwen2' | 'llama') => {
    const folder = await writeTinyCheckpoint(join(t.testdirName, `${family}-${Object.keys(change)[0]}`), {
      family,
    });
    await writeFile(join(folder, 'config.json'), JSON.stringify(tinyConfig({ family, config: change })));
    return openDecoder(folder, { threads: 1 });
  };
  t.testdir({});
  await t.rejects(open({ num_hidden_layers: 3 }, 'llama'), {
    code: 'MODEL_INVALID',
    message: /tensor "model\.layers\.2\.input_layernorm\.weight" is missing/,
  });
  await t.rejects(open({ tie_word_embeddings: false }, 'qwen2'), {
    code: 'MODEL_INVALID',
    message: /tensor "lm_head\.weight" is missing/,
  });
  await t.rejects(open({ vocab_size: 500 }, 'llama'), {
    code: 'MODEL_INVALID',
    message: /"model\.embed_tokens\.weight" has the shape \[512, 64\], config\.json asks for \[500, 64\]/,
  });
});
