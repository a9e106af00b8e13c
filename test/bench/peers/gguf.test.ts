import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ggmlName } from '../../../bench/peers/checkpoint-gguf.js';
import { ggufTensorBytes, type GgufValue, quantizeQ40, writeGguf } from '../../../bench/peers/gguf.js';
import { checkpointTensors, fillGrid, quickShape, randomBits } from '../../../bench/lm-checkpoint.js';
import { fromBfloat16, fromFloat16 } from '../../../shared/onnx/half-float.js';

/** w = (q − 8) · d */
function dequantizeQ40(bytes: Buffer): Float32Array {
  const values = new Float32Array((bytes.length / 18) * 32);
  for (let block = 0; block < bytes.length / 18; block++) {
    const [scale = Number.NaN] = fromFloat16(Uint16Array.of(bytes.readUInt16LE(18 * block)));
    for (let i = 0; i < 32; i++) {
      const byte = bytes[18 * block + 2 + (i % 16)] as number;
      values[32 * block + i] = ((i < 16 ? byte & 15 : byte >> 4) - 8) * scale;
    }
  }
  return values;
}

t.test('a block of Q4_0 is a scale and sixteen bytes of a low and a high half', async (t) => {
  const values = Float32Array.from({ length: 32 }, (_, i) => (i === 5 ? -4 : i === 21 ? 3.5 : 0));
  const bytes = quantizeQ40(values);
  t.equal(bytes.length, 18);
  t.equal(bytes.readUInt16LE(0), 0x3800, 'the scale: −4 / −8 as binary16');
  const expected = Buffer.alloc(16, 0x88);
  expected[5] = 0xf0;
  t.equal(bytes.subarray(2).toString('hex'), expected.toString('hex'));
});

t.test('Q4_0 is off by half a step at most, but for the far end, which is clipped', async (t) => {
  const random = randomBits(3);
  const values = Float32Array.from({ length: 3_200 }, () => random() / 2 ** 31 - 1);
  const back = dequantizeQ40(quantizeQ40(values));
  for (let block = 0; block < 100; block++) {
    const own = values.subarray(32 * block, 32 * block + 32);
    const step = Math.max(...own.map(Math.abs)) / 8;
    for (const [i, value] of own.entries()) {
      const error = Math.abs(value - (back[32 * block + i] as number));
      if (error > step * 1.01) t.fail(`value ${i} of block ${block} is off by ${error / step} steps`);
    }
  }
  t.same(dequantizeQ40(quantizeQ40(new Float32Array(32))), new Float32Array(32), 'zeros stay zeros');
});

t.test('weights of the bench lie on the grid: Q4_0 keeps them exactly', async (t) => {
  const bits = new Uint16Array(32 * 4_096);
  fillGrid(bits, randomBits(11));
  const values = fromBfloat16(bits);
  t.same(dequantizeQ40(quantizeQ40(values)), values);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  t.ok(deviation > 0.015 && deviation < 0.025, `standard deviation ${deviation}`);
  t.ok(Math.abs(mean) < deviation / 50, `mean ${mean}`);
  t.ok(new Set(bits).size > 40, 'scales and integers vary');
});

t.test('the file reads back: entries, tensors at multiples of 32, sizes innermost first', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'haetae-gguf-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, 'a.gguf');
  const entries: Record<string, GgufValue> = {
    name: { type: 'string', value: '이름' },
    count: { type: 'uint32', value: 7 },
    base: { type: 'float32', value: 0.5 },
    flag: { type: 'bool', value: true },
    words: { type: 'strings', value: ['a', 'bc'] },
    kinds: { type: 'int32s', value: [1, -2] },
  };
  const tensors = [
    { name: 'norm', type: 'f32', shape: [3] },
    { name: 'matrix', type: 'q4_0', shape: [2, 64] },
  ] as const;
  const matrix = Float32Array.from({ length: 128 }, (_, i) => (i % 16) - 8);
  await writeGguf(path, entries, tensors, async function* ({ name }) {
    if (name === 'norm') yield Float32Array.of(1, 2, 3);
    else yield* [matrix.subarray(0, 64), matrix.subarray(64)];
  });
  const file = await readFile(path);
  let at = 0;
  const take = (bytes: number) => {
    at += bytes;
    return file.subarray(at - bytes, at);
  };
  const u32 = () => take(4).readUInt32LE();
  const u64 = () => Number(take(8).readBigUInt64LE());
  const text = () => take(u64()).toString();
  t.equal(take(4).toString(), 'GGUF');
  t.same([u32(), u64(), u64()], [3, 2, 6]);
  t.same([text(), u32(), text()], ['name', 8, '이름']);
  t.same([text(), u32(), u32()], ['count', 4, 7]);
  t.same([text(), u32(), take(4).readFloatLE()], ['base', 6, 0.5]);
  t.same([text(), u32(), take(1)[0]], ['flag', 7, 1]);
  t.same([text(), u32(), u32(), u64(), text(), text()], ['words', 9, 8, 2, 'a', 'bc']);
  t.same([text(), u32(), u32(), u64(), u32(), u32()], ['kinds', 9, 5, 2, 1, 0xfffffffe]);
  t.same([text(), u32(), u64(), u32(), u64()], ['norm', 1, 3, 0, 0]);
  t.same([text(), u32(), u64(), u64(), u32(), u64()], ['matrix', 2, 64, 2, 2, 32]);
  const data = Math.ceil(at / 32) * 32;
  t.equal(file.readFloatLE(data + 8), 3);
  t.same(dequantizeQ40(file.subarray(data + 32, data + 32 + 72)), matrix);
  t.equal(file.length, data + 32 + 96);
});

t.test('rows that cannot be cut into blocks, and values that do not fill a tensor, are errors', async (t) => {
  t.throws(() => ggufTensorBytes({ name: 'odd', type: 'q4_0', shape: [4, 40] }), /odd: rows of 40/);
  const folder = await mkdtemp(join(tmpdir(), 'haetae-gguf-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await t.rejects(
    writeGguf(join(folder, 'a.gguf'), {}, [{ name: 'norm', type: 'f32', shape: [4] }], async function* () {
      yield Float32Array.of(1, 2, 3);
    }),
    /norm: 12 bytes do not fill \[4\]/,
  );
});

t.test('every tensor of the checkpoint has a name of its own in llama.cpp', async (t) => {
  const found = checkpointTensors(quickShape).map(({ name }) => ggmlName(name));
  t.equal(new Set(found).size, found.length);
  t.same(found.slice(0, 5), [
    'token_embd.weight',
    'blk.0.attn_norm.weight',
    'blk.0.attn_q.weight',
    'blk.0.attn_q.bias',
    'blk.0.attn_k.weight',
  ]);
  t.throws(() => ggmlName('model.rotary.inv_freq'), /no tensor for model\.rotary/);
});
