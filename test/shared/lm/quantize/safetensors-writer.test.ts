import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { createSafetensors } from '../../../../shared/lm/quantize/safetensors-writer.js';
import { readFloatTensor, readSafetensorsHeader } from '../../../../shared/onnx/safetensors.js';

t.test('tensors written in pieces, in any order, are read back whole', async (t) => {
  const path = join(t.testdir({}), 'model.safetensors');
  const writer = await createSafetensors(path, [
    { name: 'half', type: 'bfloat16', shape: [3] },
    { name: 'float', type: 'float32', shape: [2, 2] },
    { name: 'bytes', type: 'uint8', shape: [16] },
  ]);
  await writer.write('float', 8, Float32Array.of(3, 4));
  await writer.write(
    'bytes',
    0,
    Uint8Array.from({ length: 16 }, (_, i) => i),
  );
  await writer.write('half', 0, Uint16Array.of(0x3f80, 0x4000, 0x4040));
  await writer.write('float', 0, Float32Array.of(1, 2));
  await writer.finish();
  t.strictSame([...(await readFloatTensor(path, 'float')).data], [1, 2, 3, 4]);
  t.strictSame([...(await readFloatTensor(path, 'half')).data], [1, 2, 3]);
  const { tensors } = await readSafetensorsHeader(path);
  t.equal((await readFile(path)).byteLength, writer.bytes);
  for (const [name, bytes] of Object.entries({ bytes: 64, float: 4, half: 2 })) {
    t.equal(tensors.get(name)!.offset % bytes, 0, `${name} is aligned`);
  }
});

t.test('a tensor that is not written whole, or past its end, is a broken invariant', async (t) => {
  const path = join(t.testdir({}), 'model.safetensors');
  const writer = await createSafetensors(path, [{ name: 'w', type: 'float32', shape: [4] }]);
  await writer.write('w', 0, Float32Array.of(1, 2));
  await t.rejects(writer.finish(), /tensor w: 8 of 16 bytes/);
  await t.rejects(writer.write('w', 12, Float32Array.of(1, 2)), /outside tensor w/);
  await t.rejects(writer.write('v', 0, Float32Array.of(1)), /outside tensor v/);
  await writer.abandon();
  const twice = [
    { name: 'w', type: 'float32', shape: [1] },
    { name: 'w', type: 'float32', shape: [1] },
  ] as const;
  await t.rejects(createSafetensors(`${path}.2`, twice), /two tensors/);
});
