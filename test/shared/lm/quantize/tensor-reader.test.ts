import { join } from 'node:path';
import t from 'tap';
import { Checkpoint } from '../../../../shared/lm/checkpoint.js';
import { openTensorReader } from '../../../../shared/lm/quantize/tensor-reader.js';
import { writeSafetensors } from '../../../../shared/onnx/safetensors.js';
import { seededRandom } from '../../../../shared/random.js';
import { writeTinyCheckpoint } from '../../../fixtures/tiny-checkpoint.js';

t.test('ranges of rows are what the whole tensor holds, in every precision and in shards', async (t) => {
  const random = seededRandom(5);
  for (const dtype of ['float32', 'float16', 'bfloat16'] as const) {
    const folder = await writeTinyCheckpoint(join(t.testdir({}), dtype), { dtype, shards: 2 });
    const checkpoint = await Checkpoint.open(folder);
    const reader = openTensorReader(checkpoint.tensors);
    for (const [name, { shape }] of checkpoint.tensors) {
      const whole = await checkpoint.read(name);
      const rows = shape[0]!;
      const width = whole.length / rows;
      const first = Math.floor(random() * rows);
      const count = 1 + Math.floor(random() * (rows - first));
      const range = await reader.readRows(name, first, count);
      t.strictSame(range, whole.slice(first * width, (first + count) * width), `${dtype} ${name}`);
    }
    await reader.close();
  }
});

t.test('special half-precision numbers are widened exactly', async (t) => {
  const path = join(t.testdir({}), 'model.safetensors');
  const bits = Uint16Array.of(0, 0x8000, 1, 0x03ff, 0x7bff, 0x7c00, 0xfc00, 0x3555);
  await writeSafetensors(path, [{ name: 'w', type: 'float16', shape: [8], data: bits }]);
  const { tensors } = await Checkpoint.open(join(path, '..'));
  const reader = openTensorReader(tensors);
  t.strictSame(
    [...(await reader.readRows('w', 0, 8))],
    [0, -0, 2 ** -24, 1023 * 2 ** -24, 65_504, Infinity, -Infinity, 0x555 * 2 ** -12],
  );
  await t.rejects(reader.readRows('v', 0, 1), { code: 'MODEL_INVALID' });
  await reader.close();
});
