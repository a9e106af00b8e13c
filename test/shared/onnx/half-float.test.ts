import t from 'tap';
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../../../shared/onnx/half-float.js';

t.test('binary16 follows IEEE 754: exact values, ties to even, subnormals, overflow', async (t) => {
  const table: [number, number][] = [
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [65519, 0x7bff],
    [65520, 0x7c00],
    [1e9, 0x7c00],
    [-Infinity, 0xfc00],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [1.5 * 2 ** -25, 0x0001],
    [(1 - 2 ** -12) * 2 ** -14, 0x0400],
    [1e-30, 0x0000],
  ];
  t.same(
    [...toFloat16(Float32Array.from(table, ([value]) => value))],
    table.map(([, bits]) => bits),
  );
  t.ok(Number.isNaN(fromFloat16(toFloat16(Float32Array.of(Number.NaN)))[0]));
});

t.test('every finite binary16 survives the way to float32 and back', async (t) => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((bits) => (bits & 0x7c00) !== 0x7c00);
  t.same(toFloat16(fromFloat16(all)), all);
});

t.test('bfloat16 rounds to nearest even and keeps the range of float32', async (t) => {
  const table: [number, number][] = [
    [1, 0x3f80],
    [-3.5, 0xc060],
    [1 + 2 ** -8, 0x3f80],
    [1 + 3 * 2 ** -8, 0x3f82],
    [3e38, 0x7f62],
  ];
  t.same(
    [...toBfloat16(Float32Array.from(table, ([value]) => value))],
    table.map(([, bits]) => bits),
  );
  t.ok(Number.isNaN(fromBfloat16(toBfloat16(Float32Array.of(Number.NaN)))[0]));
  t.same([...fromBfloat16(Uint16Array.of(0x3f80, 0xc060))], [1, -3.5]);
});
