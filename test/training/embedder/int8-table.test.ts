import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import { dequantizeRows, quantizeRows } from '../../../training/embedder/int8-table.js';

t.test('a row in 8 bits is off by half a step of its own scale at most, and zeros stay', (t) => {
  const random = seededRandom(1);
  const table = Float32Array.from(
    { length: 40 * 8 },
    (_, i) => (random() - 0.5) * 10 ** (Math.floor(i / 8) % 5),
  );
  table.fill(0, 8, 16);
  const quantized = quantizeRows(table, 8);
  const back = dequantizeRows(quantized);
  t.ok(
    back.every((value, i) => Math.abs(value - table[i]!) <= quantized.scales[Math.floor(i / 8)]! * 0.5001),
  );
  t.ok(back.subarray(8, 16).every((value) => value === 0));
  t.equal(Math.max(...quantized.values.subarray(0, 8).map(Math.abs)), 127);
  t.end();
});
