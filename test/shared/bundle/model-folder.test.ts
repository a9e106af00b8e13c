import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { readModelFolder } from '../../../shared/bundle/model-folder.js';

const config = {
  model_type: 'qwen2',
  architectures: ['Qwen2ForCausalLM'],
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 300,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  hidden_act: 'silu',
  tie_word_embeddings: true,
};
const complete = {
  'config.json': JSON.stringify(config),
  'model.safetensors': 'weights',
  'tokenizer.json': '{}',
  'chat_template.jinja': '{{ messages }}',
};
type Files = Record<string, string | Record<string, string>>;

const read = (t: Test, files: Files) => readModelFolder(t.testdir(files));
const verdicts = ({ checks }: Awaited<ReturnType<typeof readModelFolder>>) =>
  Object.fromEntries(checks.map(({ subject, verdict }) => [subject, verdict]));

t.test('a complete folder is told apart from what lies beside it', async (t) => {
  const found = await read(t, {
    ...complete,
    'README.md': '---\nlicense: mit\n---\n',
    LICENSE: 'x',
    'generation_config.json': '{}',
    'pytorch_model.bin': 'other weights',
    'model-q4.gguf': 'other weights',
    '.gitattributes': '',
    '.cache': { 'config.json': 'x' },
    onnx: { 'model.onnx': 'a graph that is not opened' },
  });
  t.strictSame(
    found.files.map(({ path, bytes }) => [path, bytes]),
    [
      ['LICENSE', 1],
      ['README.md', 21],
      ['chat_template.jinja', 14],
      ['config.json', complete['config.json'].length],
      ['generation_config.json', 2],
      ['model.safetensors', 7],
      ['tokenizer.json', 2],
    ],
  );
  t.match(
    found.checks.map(({ verdict }) => verdict),
    ['ok', 'ok', 'ok', 'ok'],
  );
  t.match(found.checks[0], { found: 'qwen2, 2 layers of 64' });
  t.match(found.card.licences, [{ value: 'mit' }, { value: '"x"', from: 'LICENSE' }]);
});

t.test('everything that is absent is said at once', async (t) => {
  const found = await read(t, { 'README.md': '' });
  t.strictSame(verdicts(found), {
    'config.json': 'missing',
    weights: 'missing',
    'tokenizer.json': 'missing',
    'chat template': 'note',
  });
  for (const { verdict, remedy } of found.checks) if (verdict === 'missing') t.match(remedy, /\.$/);
});

t.test('a folder that is something else is named as what it is', async (t) => {
  const gguf = await read(t, {
    'config.json': complete['config.json'],
    'model.gguf': 'x',
    'tokenizer.model': 'x',
  });
  t.match(gguf.checks[1], { found: 'only model.gguf', verdict: 'missing' });
  t.match(gguf.checks[2], { found: 'only tokenizer.model', verdict: 'missing' });
  const adapter = await read(t, { 'adapter_config.json': '{}', 'adapter_model.safetensors': 'x' });
  t.match(adapter.checks[0], { found: /adapter without its model/, remedy: /Merge/ });
  const odd = await read(t, {
    ...complete,
    'config.json': JSON.stringify({ ...config, model_type: 'mamba' }),
  });
  t.match(odd.checks[0], { verdict: 'broken', remedy: /model_type.*mamba/ });
  t.match((await read(t, { ...complete, 'config.json': '[]' })).checks[0], { verdict: 'broken' });
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5000000\n';
  const clone = await read(t, { ...complete, 'model.safetensors': pointer, 'tokenizer.json': pointer });
  t.match(clone.checks[1], { verdict: 'missing', remedy: /git lfs pull/ });
  t.match(clone.checks[2], { verdict: 'missing', remedy: /git lfs pull/ });
});

t.test('shards are those of the index, all of them', async (t) => {
  const { 'model.safetensors': _, ...rest } = complete;
  const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;
  const index = (map: unknown) => ({
    ...rest,
    'model.safetensors.index.json': JSON.stringify({ weight_map: map }),
    [shards[0]]: 'a',
    'unused.safetensors': 'b',
  });
  const one = await read(t, index({ x: shards[0], y: shards[1], z: shards[0] }));
  t.match(one.checks[1], { verdict: 'missing', found: `${shards[1]} absent` });
  const all = await read(t, { ...index({ x: shards[0], y: shards[1] }), [shards[1]]: 'b' });
  t.match(all.checks[1], { verdict: 'ok' });
  t.strictSame(
    all.files.map(({ path }) => path).filter((path) => path.includes('safetensors')),
    [...shards, 'model.safetensors.index.json'].sort(),
  );
  for (const map of [null, [], {}, { x: 4 }, { x: '../../secret.safetensors' }, { x: '/etc/passwd' }])
    t.match((await read(t, index(map))).checks[1], { verdict: 'broken' }, JSON.stringify(map));
});

t.test('a graph in onnx/ is taken with its data', async (t) => {
  const { 'model.safetensors': _, ...rest } = complete;
  const found = await read(t, {
    ...rest,
    onnx: {
      'model.onnx': 'g',
      'model.onnx_data': 'd',
      'model.onnx_data_1': 'd',
      'model_q4.onnx': 'another',
      'model_q4.onnx_data': 'd',
    },
  });
  t.strictSame(
    found.files.map(({ path }) => path).filter((path) => path.startsWith('onnx/')),
    ['onnx/model.onnx', 'onnx/model.onnx_data', 'onnx/model.onnx_data_1'],
  );
});

t.test('links are followed; a link to nothing is nothing', async (t) => {
  const folder = t.testdir({ blobs: complete, snapshot: {} });
  for (const name of Object.keys(complete))
    await symlink(join('..', 'blobs', name), join(folder, 'snapshot', name));
  await symlink('../blobs/gone', join(folder, 'snapshot', 'README.md'));
  const { checks, files } = await readModelFolder(join(folder, 'snapshot'));
  t.ok(checks.every(({ verdict }) => verdict === 'ok'));
  t.notOk(files.some(({ path }) => path === 'README.md'));
});

t.test('every licence file is heard and taken along', async (t) => {
  const { card, files } = await read(t, {
    ...complete,
    'LICENSE-CODE': 'x',
    MODEL_LICENSE: 'Terms of the model',
    'USE_POLICY.md': '# Acceptable use',
  });
  t.strictSame(card.licences, [
    { value: '"x"', from: 'LICENSE-CODE' },
    { value: '"Terms of the model"', from: 'MODEL_LICENSE' },
    { value: '"# Acceptable use"', from: 'USE_POLICY.md' },
  ]);
  const paths = files.map(({ path }) => path);
  for (const { from } of card.licences) t.ok(paths.includes(from), from);
});

t.test('no folder is an error that says what a folder holds', async (t) => {
  const folder = t.testdir({ file: 'x' });
  await t.rejects(readModelFolder(join(folder, 'absent')), {
    code: 'FILE_NOT_FOUND',
    message: /absent does not exist.*config\.json/,
  });
  await t.rejects(readModelFolder(join(folder, 'file')), { code: 'FILE_NOT_FOUND' });
});
