import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import {
  readFloatTensor,
  readSafetensorsHeader,
  writeSafetensors,
} from '../../../shared/onnx/safetensors.js';

const reference = join(import.meta.dirname, '../../fixtures/reference.safetensors');
const values = [0.5, -1.25, 3, 65504, Math.fround(1e-7), -0];

function fileOf(header: unknown, data = Buffer.alloc(8)): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([head, json, data]);
}

t.test('a file written by the Python library is read', async (t) => {
  const { tensors, metadata } = await readSafetensorsHeader(reference);
  t.same([...tensors.keys()].sort(), ['brain', 'half', 'ids', 'scalar', 'weights']);
  t.same(metadata, { 'made-by': 'safetensors 0.8.0' });
  t.match(tensors.get('ids'), { type: 'int64', shape: [3], length: 24 });
  const weights = await readFloatTensor(reference, 'weights');
  t.same(weights.shape, [2, 3]);
  t.same([...weights.data], values);
  t.same([...(await readFloatTensor(reference, 'scalar')).data], [7]);
  t.same(
    [...(await readFloatTensor(reference, 'half')).data],
    [0.5, -1.25, 3, 65504, 2 * 2 ** -24, -0],
    'binary16 keeps 1e-7 as its second smallest subnormal',
  );
  t.same([...(await readFloatTensor(reference, 'brain')).data].slice(0, 4), [0.5, -1.25, 3, 65536]);
  const { offset } = tensors.get('ids')!;
  t.equal((await readFile(reference)).readBigInt64LE(offset + 16), 2n ** 40n);
});

t.test('what is written reads back the same', async (t) => {
  const path = join(t.testdir(), 'a.safetensors');
  const odd = Uint8Array.of(1, 2, 3);
  await writeSafetensors(path, [
    { name: 'w', type: 'float32', shape: [2, 3], data: Float32Array.from(values) },
    { name: '가중치', type: 'uint8', shape: [3], data: odd },
    { name: 'none', type: 'float16', shape: [0, 4], data: new Uint16Array(0) },
  ]);
  const { tensors, metadata } = await readSafetensorsHeader(path);
  t.same(metadata, { format: 'pt' });
  t.same([...(await readFloatTensor(path, 'w')).data], values);
  t.equal(tensors.get('w')!.offset % 8, 0, 'tensors start aligned');
  const { offset, length } = tensors.get('가중치')!;
  t.same(new Uint8Array((await readFile(path)).subarray(offset, offset + length)), odd);
  t.same([...(await readFloatTensor(path, 'none')).data], []);
});

t.test('a tensor that does not fill its shape, or a repeated name, is not written', async (t) => {
  const path = join(t.testdir(), 'a.safetensors');
  const data = new Float32Array(2);
  await t.rejects(
    writeSafetensors(path, [{ name: 'w', type: 'float32', shape: [3], data }]),
    /does not take 8/,
  );
  const same = { name: 'w', type: 'float32', shape: [2], data } as const;
  await t.rejects(writeSafetensors(path, [same, same]), /same name/);
});

t.test('hostile and damaged headers are refused with the reason', async (t) => {
  const whole = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  const huge = Buffer.alloc(16);
  huge.writeBigUInt64LE(2n ** 63n);
  const cases: [string, Buffer, RegExp][] = [
    ['shorter than a length', Buffer.alloc(5), /5 bytes/],
    ['a header longer than the file', huge, /header claims/],
    ['no JSON', fileOf('{nope'), /not JSON/],
    ['not UTF-8', fileOf('').fill(0xff, 8), /not JSON/],
    ['a list', fileOf('[]'), /not a JSON object/],
    ['an entry that is text', fileOf({ w: 'x' }), /not an object/],
    ['unknown dtype', fileOf({ w: { ...whole, dtype: 'F31' } }), /unknown dtype "F31"/],
    ['dtype from the prototype', fileOf({ w: { ...whole, dtype: 'constructor' } }), /unknown dtype/],
    ['negative shape', fileOf({ w: { ...whole, shape: [-2] } }), /non-negative/],
    ['fractional offset', fileOf({ w: { ...whole, data_offsets: [0, 8.5] } }), /non-negative/],
    ['span outside the file', fileOf({ w: { ...whole, shape: [4], data_offsets: [0, 16] } }), /outside/],
    ['span backwards', fileOf({ w: { ...whole, data_offsets: [8, 0] } }), /outside/],
    ['span of another size', fileOf({ w: { ...whole, shape: [1] } }), /does not take 8/],
    ['size that overflows', fileOf({ w: { ...whole, shape: [2 ** 52, 2 ** 52] } }), /does not take 8/],
    [
      'overlap',
      fileOf({ a: whole, b: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } }),
      /hole or overlaps/,
    ],
    ['hole', fileOf({ w: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } }), /hole or overlaps/],
    ['bytes after the last tensor', fileOf({ w: whole }, Buffer.alloc(9)), /end at byte/],
    ['metadata that is no map of strings', fileOf({ __metadata__: { a: 1 }, w: whole }), /__metadata__/],
  ];
  const folder = t.testdir();
  for (const [title, bytes, reason] of cases) {
    const path = join(folder, 'bad.safetensors');
    await writeFile(path, bytes);
    await t.rejects(readSafetensorsHeader(path), { code: 'MODEL_INVALID', message: reason }, title);
  }
  await t.rejects(readSafetensorsHeader(join(folder, 'absent')), {
    code: 'MODEL_INVALID',
    message: /absent/,
  });
  await t.rejects(readFloatTensor(reference, 'gone'), { code: 'MODEL_INVALID', message: /no tensor "gone"/ });
  await t.rejects(readFloatTensor(reference, 'ids'), { code: 'MODEL_INVALID', message: /int64/ });
});
