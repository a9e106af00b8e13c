import t from 'tap';
import {
  allocateRows,
  type BlockFormat,
  dequantizeBlocks,
  quantizeBlocks,
  searchScale,
} from '../../../../shared/lm/quantize/quantize-blocks.js';
import { seededRandom } from '../../../../shared/random.js';

const formats: BlockFormat[] = [4, 8].flatMap((bits) =>
  [32, 64, 128].map((block) => ({ bits: bits as 4 | 8, block })),
);

/** Blocks of several kinds: bell-shaped, with an outlier, one-sided, with ties of both signs, tiny, huge. */
function hardWeights(block: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  const normal = () => random() + random() + random() + random() - 2;
  const kinds: (() => number)[] = [
    normal,
    () => (random() < 0.05 ? 30 * normal() : normal()),
    () => Math.abs(normal()),
    () => (random() < 0.5 ? 1 : -1),
    () => normal() * 1e-20,
    () => normal() * 1e20,
    () => (random() < 0.9 ? 0 : normal()),
  ];
  return Float32Array.from({ length: kinds.length * 20 * block }, (_, i) =>
    kinds[Math.floor(i / block) % kinds.length]!(),
  );
}

t.test(
  'an error of plain rounding is at most half a scale, and one scale opposite to the extreme',
  async (t) => {
    for (const format of formats) {
      const weights = hardWeights(format.block, 7);
      const codes = quantizeBlocks(weights, format);
      const back = dequantizeBlocks(codes, format);
      const half = 2 ** (format.bits - 1);
      let clipped = 0;
      for (const [i, w] of weights.entries()) {
        const scale = codes.scales[Math.floor(i / format.block)]!;
        const isClipped = w / scale > half - 0.5;
        if (isClipped) clipped += 1;
        const bound = Math.abs(scale) * (isClipped ? 1 : 0.5) * (1 + 1e-5);
        if (!(Math.abs(w - back[i]!) <= bound)) t.fail(`${w} became ${back[i]} with the scale ${scale}`);
      }
      t.ok(clipped > 0, `${format.bits} bits, block ${format.block}: the clipped case occurs`);
    }
  },
);

t.test('the largest weight of a block is kept exactly, at code 0', async (t) => {
  const format: BlockFormat = { bits: 4, block: 32 };
  const weights = new Float32Array(32).fill(0.125);
  weights[5] = -0.75;
  const { qweight, scales } = quantizeBlocks(weights, format);
  t.equal(scales[0], 0.09375);
  t.equal(qweight[2]! >> 4, 0, 'element 5 is the high half of byte 2');
  t.equal(qweight[2]! & 15, 9, 'its neighbour, 0.125 / 0.09375 = 1.33, is level 1');
  t.equal(dequantizeBlocks({ qweight, scales }, format)[5], -0.75);
});

t.test(
  'codes lie as the layout says: byte i of a block holds elements 2i (low) and 2i + 1 (high)',
  async (t) => {
    // Scale −1 by the extreme 8 at the end, so weight −c has the level c and the code 8 + c.
    const weights = Float32Array.from({ length: 32 }, (_, i) => (i === 31 ? 8 : -(i % 7)));
    const { qweight, scales } = quantizeBlocks(weights, { bits: 4, block: 32 });
    t.equal(scales[0], -1);
    const codes = Array.from({ length: 32 }, (_, i) => (i === 31 ? 0 : 8 + (i % 7)));
    t.strictSame(
      [...qweight],
      Array.from({ length: 16 }, (_, i) => codes[2 * i]! + 16 * codes[2 * i + 1]!),
    );
  },
);

t.test('a block of zeros, or of numbers too small to scale, becomes zeros', async (t) => {
  for (const value of [0, 1e-35, -1e-40]) {
    for (const scales of ['absmax', 'search'] as const) {
      const format: BlockFormat = { bits: 4, block: 32, scales };
      const codes = quantizeBlocks(new Float32Array(32).fill(value), format);
      t.strictSame([...dequantizeBlocks(codes, format)], new Array(32).fill(0));
    }
  }
});

t.test('a block with NaN or infinity gets the scale NaN, whatever stands beside it', async (t) => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    for (const scales of ['absmax', 'search'] as const) {
      const weights = new Float32Array(64).fill(0.5);
      weights[40] = bad;
      const result = quantizeBlocks(weights, { bits: 4, block: 32, scales });
      t.strictSame([Number.isFinite(result.scales[0]), Number.isNaN(result.scales[1])], [true, true]);
    }
  }
});

t.test('searched scales are never worse than plain ones in squared error, and often better', async (t) => {
  for (const block of [32, 64, 128]) {
    const weights = hardWeights(block, 11).map((w) => (Math.abs(w) > 1e6 ? 0 : w));
    const errors = (scales: 'absmax' | 'search') => {
      const format: BlockFormat = { bits: 4, block, scales };
      const back = dequantizeBlocks(quantizeBlocks(weights, format), format);
      const perBlock = new Float64Array(weights.length / block);
      weights.forEach((w, i) => {
        perBlock[Math.floor(i / block)]! += (w - back[i]!) ** 2;
      });
      return perBlock;
    };
    const [plain, searched] = [errors('absmax'), errors('search')];
    let better = 0;
    searched.forEach((error, i) => {
      if (error > plain[i]! * (1 + 1e-5) + 1e-45) t.fail(`block ${i}: ${error} > ${plain[i]}`);
      if (error < plain[i]! * 0.95) better += 1;
    });
    t.ok(better > searched.length / 3, `block ${block}: ${better} of ${searched.length} are better`);
  }
});

t.test('importance moves a searched scale towards the weights that matter', async (t) => {
  const random = seededRandom(3);
  const weights = Float32Array.from({ length: 32 }, () => random() - 0.5);
  const importance = Float32Array.from({ length: 32 }, (_, i) => (i < 4 ? 1000 : 1));
  const errorOf = (scale: number) =>
    weights.reduce((sum, w, i) => {
      const code = Math.min(7, Math.max(-8, Math.round(w / scale)));
      return sum + importance[i]! * (w - code * scale) ** 2;
    }, 0);
  const even = searchScale(weights, 0, 32, 4);
  const weighted = searchScale(weights, 0, 32, 4, importance);
  t.ok(errorOf(weighted) < errorOf(even), `${errorOf(weighted)} < ${errorOf(even)}`);
});

t.test('rows are allocated in the sizes of the layout', async (t) => {
  const { qweight, scales } = allocateRows(3, 128, { bits: 4, block: 64 });
  t.strictSame([qweight.length, scales.length], [192, 6]);
});
