import t from 'tap';
import {
  allocateRows,
  type BlockFormat,
  dequantizeBlocks,
  quantizeBlocks,
} from '../../../../shared/lm/quantize/quantize-blocks.js';
import { quantizedShapes } from '../../../../shared/lm/quantized-tensor.js';
import { GraphBuilder } from '../../../../shared/onnx/onnx-model.js';
import { openSession } from '../../../../shared/onnx/session.js';
import { seededRandom } from '../../../../shared/random.js';
import { sumOver } from './naive-products.js';

const [n, k, rows] = [24, 256, 5];
const formats = ([4, 8] as const).flatMap((bits) =>
  ([32, 64, 128] as const).map((block): BlockFormat & { block: 32 | 64 | 128 } => ({ bits, block })),
);
const random = seededRandom(4);
const weights = Float32Array.from({ length: n * k }, () => random() + random() - 1);
const input = Float32Array.from({ length: rows * k }, () => 2 * (random() + random() - 1));

t.test('the kernel that serves reads codes and scales as they are written', async (t) => {
  for (const format of formats) {
    const { bits, block } = format;
    const codes = quantizeBlocks(weights, format, allocateRows(n, k, format));
    const graph = new GraphBuilder('layer');
    const shapes = quantizedShapes(n, k, bits, block);
    const x = graph.input('x', 'float32', ['rows', k]);
    const qweight = graph.initializer('qweight', 'uint8', shapes.qweight, codes.qweight);
    const scales = graph.initializer('scales', 'float32', shapes.scales, codes.scales);
    graph.node('MatMulNBits', [x, qweight, scales], {
      domain: 'com.microsoft',
      outputs: ['y'],
      attributes: { K: k, N: n, bits, block_size: block, accuracy_level: 4 },
    });
    graph.output('y', 'float32', ['rows', n]);
    const session = await openSession(graph.build(), { threads: 1 });
    const { y } = await session.run({ x: { type: 'float32', shape: [rows, k], data: input } });
    await session.close();

    const back = dequantizeBlocks(codes, format);
    let worst = 0;
    let outside = 0;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < n; column++) {
        const wanted = sumOver(k, (i) => input[row * k + i]! * back[column * k + i]!);
        // The kernel rounds inputs to 8 bits, a block at a time: half a step of max |x| / 127 each.
        const tolerance = sumOver(k / block, (b) => {
          const at = b * block;
          const most = Math.max(
            ...Array.from({ length: block }, (_, i) => Math.abs(input[row * k + at + i]!)),
          );
          return (most / 127 / 2) * sumOver(block, (i) => Math.abs(back[column * k + at + i]!));
        });
        const error = Math.abs((y!.data[row * n + column] as number) - wanted);
        worst = Math.max(worst, error / tolerance);
        if (error > tolerance * 1.01) outside += 1;
      }
    }
    t.equal(
      outside,
      0,
      `${bits} bits, block ${block}: at most ${worst.toFixed(3)} of the rounding of inputs`,
    );
  }
});

t.test('rows of a head are gathered exactly, as an embedding that shares its blocks needs', async (t) => {
  for (const format of formats) {
    const { bits, block } = format;
    const codes = quantizeBlocks(weights, format, allocateRows(n, k, format));
    const graph = new GraphBuilder('embedding');
    const ids = graph.input('ids', 'int64', ['count']);
    const qweight = graph.initializer('qweight', 'uint8', [n, (k * bits) / 8], codes.qweight);
    const scales = graph.initializer('scales', 'float32', [n, k / block], codes.scales);
    graph.node('GatherBlockQuantized', [qweight, ids, scales], {
      domain: 'com.microsoft',
      outputs: ['y'],
      attributes: { bits, block_size: block, gather_axis: 0, quantize_axis: 1 },
    });
    graph.output('y', 'float32', ['count', k]);
    const session = await openSession(graph.build(), { threads: 1 });
    const { y } = await session.run({
      ids: { type: 'int64', shape: [2], data: BigInt64Array.of(17n, 3n) },
    });
    await session.close();
    const back = dequantizeBlocks(codes, format);
    const wanted = [...back.subarray(17 * k, 18 * k), ...back.subarray(3 * k, 4 * k)];
    t.strictSame([...(y!.data as Float32Array)], wanted, `${bits} bits, block ${block}`);
  }
});
