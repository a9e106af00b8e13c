import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Checkpoint } from '../../../../shared/lm/checkpoint.js';
import { readDecoderConfig } from '../../../../shared/lm/decoder-config.js';
import { buildDecoderGraph } from '../../../../shared/lm/decoder-graph.js';
import { dequantizeBlocks } from '../../../../shared/lm/quantize/quantize-blocks.js';
import {
  type QuantizeFolderOptions,
  quantizeFolder,
} from '../../../../shared/lm/quantize/quantize-folder.js';
import { openTensorReader, type TensorReader } from '../../../../shared/lm/quantize/tensor-reader.js';
import { type NamedTensor, writeSafetensors } from '../../../../shared/onnx/safetensors.js';
import { type TinyCheckpointOptions, writeTinyCheckpoint } from '../../../fixtures/tiny-checkpoint.js';

const plain = { bits: 4, blockSize: 32, headBits: 8, embedding: 'checkpoint', method: 'rtn' } as const;

async function setUp(t: Test, options?: TinyCheckpointOptions) {
  const folder = t.testdir({});
  const model = await writeTinyCheckpoint(join(folder, 'model'), options);
  const out = join(folder, 'out');
  const run = (more: Partial<QuantizeFolderOptions> = {}) =>
    quantizeFolder({ ...plain, model, out, ...more });
  return { folder, model, out, run };
}

async function bytesOfLayer(folder: string, name: string): Promise<Uint8Array> {
  const tensor = (await Checkpoint.open(folder)).tensor(name);
  const file = await readFile(tensor.path);
  return new Uint8Array(file.subarray(tensor.offset, tensor.offset + tensor.length));
}

async function dequantized(folder: string, name: string, bits: 4 | 8, block: number): Promise<Float32Array> {
  const scales = await (await Checkpoint.open(folder)).read(`${name}.scales`);
  return dequantizeBlocks(
    { qweight: await bytesOfLayer(folder, `${name}.qweight`), scales },
    { bits, block },
  );
}

t.test('q, k, v and gate, up become one layer each, rows in that order, within half a scale', async (t) => {
  for (const [block, bits] of [
    [32, 4],
    [64, 8],
  ] as const) {
    // With 128 features inside, blocks of 64 fit everywhere.
    const { model, out, run } = await setUp(t, { dtype: 'bfloat16', config: { intermediate_size: 128 } });
    await run({ blockSize: block, bits });
    const [source, result] = [await Checkpoint.open(model), await Checkpoint.open(out)];
    for (const [name, parts] of [
      ['self_attn.qkv_proj', ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj']],
      ['self_attn.o_proj', ['self_attn.o_proj']],
      ['mlp.gate_up_proj', ['mlp.gate_proj', 'mlp.up_proj']],
      ['mlp.down_proj', ['mlp.down_proj']],
    ] as const) {
      const prefix = 'model.layers.1.';
      const wanted: number[] = [];
      for (const part of parts) wanted.push(...(await source.read(`${prefix}${part}.weight`)));
      const scales = await result.read(`${prefix}${name}.scales`);
      const found = await dequantized(out, prefix + name, bits, block);
      t.equal(found.length, wanted.length, name);
      const worst = found.reduce((most, value, i) => {
        const scale = Math.abs(scales[Math.floor(i / block)]!);
        return Math.max(most, Math.abs(value - wanted[i]!) / scale);
      }, 0);
      t.ok(worst > 0.3 && worst <= 1, `${name}, ${bits} bits: ${worst} of a scale`);
    }
    const biases = await Promise.all(
      ['q', 'k', 'v'].map((part) => source.read(`model.layers.1.self_attn.${part}_proj.bias`)),
    );
    t.strictSame(
      [...(await result.read('model.layers.1.self_attn.qkv_proj.bias'))],
      biases.flatMap((bias) => [...bias]),
    );
    t.equal(result.tensor('model.norm.weight').type, 'float32');
    t.equal(result.tensor('model.embed_tokens.weight').type, 'bfloat16');
    t.strictSame(
      await result.read('model.embed_tokens.weight'),
      await source.read('model.embed_tokens.weight'),
    );
  }
});

t.test('the head is quantised also where it was tied, and may be the embedding too', async (t) => {
  const { model, out, run } = await setUp(t);
  const { quantization, parameters, quantizedBytes, bitsPerWeight } = await run({
    headBits: 4,
    embedding: 'head',
  });
  t.strictSame((await readDecoderConfig(out)).quantization, quantization);
  const result = await Checkpoint.open(out);
  t.notOk(result.has('model.embed_tokens.weight'));
  const table = await (await Checkpoint.open(model)).read('model.embed_tokens.weight');
  const head = await dequantized(out, 'lm_head', 4, 32);
  t.ok(head.every((value, i) => Math.abs(value - table[i]!) < 0.25 / 8 + 1e-6));
  t.equal(quantizedBytes, (await stat(join(out, 'model.safetensors'))).size);
  t.equal(bitsPerWeight, (8 * quantizedBytes) / parameters);
  const sizes = [...(await Checkpoint.open(model)).tensors.values()].map(({ length }) => length / 4);
  t.equal(
    parameters,
    sizes.reduce((sum, size) => sum + size, 0),
  );
});

t.test('no layer is computed at the slow accuracy levels, the 8-bit ones least of all', async (t) => {
  const { out, run } = await setUp(t);
  await run({ bits: 8 });
  const config = await readDecoderConfig(out);
  const graph = Buffer.from(buildDecoderGraph(config, await Checkpoint.open(out)));
  const count = (pattern: string) => graph.toString('latin1').split(pattern).length - 1;
  // Protobuf: NodeProto.op_type is field 4; AttributeProto has the name in field 1, the integer in field 3.
  t.equal(count('\x22\x0bMatMulNBits'), 9);
  t.equal(count('\x0a\x0eaccuracy_level\x18\x04'), 9, 'accuracy level 4 on every one');
});

t.test('rows are read in ranges: far less than the largest tensor is in memory at once', async (t) => {
  // An embedding of 8 MB, four times the range that is read.
  const { model, run } = await setUp(t, { config: { vocab_size: 65_536 }, dtype: 'bfloat16' });
  const largest = Math.max(
    ...[...(await Checkpoint.open(model)).tensors.values()].map(({ length }) => length),
  );
  let most = 0;
  let reads = 0;
  const openReader = (tensors: TensorReader['tensors']): TensorReader => {
    const reader = openTensorReader(tensors);
    const counted = <T extends ArrayBufferView>(rows: T): T => {
      most = Math.max(most, rows.byteLength);
      reads += 1;
      return rows;
    };
    return {
      ...reader,
      readRows: async (...where) => counted(await reader.readRows(...where)),
      readBytes: async (...where) => counted(await reader.readBytes(...where)),
    };
  };
  t.ok(largest > 8e6);
  await run({ openReader });
  // A range is in memory as it lies in the file, as float32 and as integers: at most 2.5 times its float32 form.
  t.ok(most <= 4 * 2 ** 20, `${most} bytes at most in one range`);
  t.ok(most * 2.5 < 2 * largest, `of a tensor of ${largest} bytes`);
  t.ok(reads > 10);
});

t.test(
  'tokenizer, templates, licence and read-me come along, links resolved; nothing else does',
  async (t) => {
    const { model, out, run, folder } = await setUp(t);
    await writeFile(join(folder, 'blob'), 'Apache License');
    await symlink(join(folder, 'blob'), join(model, 'LICENSE'));
    await writeFile(join(model, 'README.md'), '# Model');
    await writeFile(join(model, 'chat_template.jinja'), '{{ messages }}');
    await writeFile(join(model, 'pytorch_model.bin'), 'pickle');
    await writeFile(join(model, 'training.log'), 'loss');
    await run();
    t.strictSame((await readdir(out)).sort(), [
      ...['LICENSE', 'README.md', 'chat_template.jinja', 'config.json', 'generation_config.json'],
      ...['model.safetensors', 'tokenizer.json', 'tokenizer_config.json'],
    ]);
    t.equal(await readFile(join(out, 'LICENSE'), 'utf8'), 'Apache License');
    const [before, after] = await Promise.all(
      [model, out].map(async (it) => JSON.parse(await readFile(join(it, 'config.json'), 'utf8'))),
    );
    t.strictSame(after, {
      ...before,
      quantization_config: {
        ...{ quant_method: 'haetae', bits: 4, block_size: 32, head_bits: 8 },
        ...{ embedding: 'checkpoint', method: 'rtn' },
      },
    });
  },
);

t.test('two runs give equal bytes, from one file or from shards', async (t) => {
  const one = await setUp(t);
  await one.run();
  const shards = await writeTinyCheckpoint(join(one.folder, 'shards'), { shards: 3 });
  const again = join(one.folder, 'again');
  await one.run({ model: shards, out: again });
  t.ok(
    (await readFile(join(one.out, 'model.safetensors'))).equals(
      await readFile(join(again, 'model.safetensors')),
    ),
  );
});

t.test('an interrupted or failing run leaves nothing behind', async (t) => {
  const { folder, model, run } = await setUp(t);
  const abort = new AbortController();
  const ticks: string[] = [];
  const progress = () => ({
    tick: (layer = '') => {
      ticks.push(layer);
      if (ticks.length === 4) abort.abort();
    },
    stop: () => {},
  });
  await t.rejects(run({ signal: abort.signal, progress }), { name: 'AbortError' });
  t.equal(ticks.length, 4);
  t.strictSame(await readdir(folder), ['model']);

  const checkpoint = await Checkpoint.open(model);
  const tensors: NamedTensor[] = [];
  for (const [name, { shape }] of checkpoint.tensors) {
    const data = await checkpoint.read(name);
    if (name === 'model.layers.1.mlp.up_proj.weight') data[70] = Number.NaN;
    tensors.push({ name, type: 'float32', shape, data });
  }
  await writeSafetensors(join(model, 'model.safetensors'), tensors);
  await t.rejects(run(), { code: 'MODEL_INVALID', message: /layers\.1\.mlp\.up_proj\.weight" holds NaN/ });
  t.strictSame(await readdir(folder), ['model']);
});

t.test('what cannot be quantised is refused before anything is written', async (t) => {
  const { folder, model, out, run } = await setUp(t);
  await t.rejects(run({ blockSize: 64 }), {
    code: 'MODEL_UNSUPPORTED',
    message: /"model\.layers\.0\.mlp\.down_proj" has 96 input features, which blocks of 64 do not divide/,
  });
  await t.rejects(run({ model: join(folder, 'nowhere') }), { code: 'MODEL_INVALID' });
  for (const inside of [model, `${model}/`, join(model, 'sub')]) {
    await t.rejects(run({ out: inside }), { code: 'USAGE', message: /is the model folder or lies in it/ });
  }
  await t.rejects(run({ method: 'gptq' }), { code: 'USAGE', message: /calibration/ });
  await t.rejects(run({ method: 'gptq', sequences: [[1, 2, 512]] }), { code: 'USAGE', message: /token 512/ });

  const untied = await writeTinyCheckpoint(join(folder, 'untied'), { family: 'llama' });
  await t.rejects(run({ model: untied, embedding: 'head' }), { code: 'USAGE', message: /two/ });

  const odd = await writeTinyCheckpoint(join(folder, 'odd'));
  const add = async (tensor: NamedTensor) => {
    const checkpoint = await Checkpoint.open(model);
    const tensors: NamedTensor[] = [];
    for (const [name, { shape }] of checkpoint.tensors) {
      if (name !== tensor.name)
        tensors.push({ name, type: 'float32', shape, data: await checkpoint.read(name) });
    }
    await writeSafetensors(join(odd, 'model.safetensors'), [...tensors, tensor]);
  };
  await add({
    name: 'model.layers.0.mlp.experts.weight',
    type: 'float32',
    shape: [1],
    data: Float32Array.of(1),
  });
  await t.rejects(run({ model: odd }), { code: 'MODEL_UNSUPPORTED', message: /experts/ });
  const up = 'model.layers.0.mlp.up_proj.weight';
  await add({ name: up, type: 'int8', shape: [96, 64], data: new Int8Array(96 * 64) });
  await t.rejects(run({ model: odd }), { code: 'MODEL_UNSUPPORTED', message: /up_proj\.weight" is int8/ });
  await add({ name: up, type: 'float32', shape: [96, 32], data: new Float32Array(96 * 32) });
  await t.rejects(run({ model: odd }), { code: 'MODEL_INVALID', message: /\[96, 32\]/ });
  t.strictSame((await readdir(folder)).sort(), ['model', 'odd', 'untied']);

  await run();
  await t.rejects(run(), { code: 'USAGE', message: /exists already/ });
  await t.rejects(run({ model: out, out: join(folder, 'twice') }), {
    code: 'MODEL_UNSUPPORTED',
    message: /quantised already \(rtn, 4 bits\)/,
  });
});
