import t from 'tap';
import { quantizeWithFeedback } from '../../../../shared/lm/quantize/error-feedback.js';
import { factorHessian } from '../../../../shared/lm/quantize/factor-hessian.js';
import {
  absmaxScale,
  allocateRows,
  type BlockFormat,
  dequantizeBlocks,
  quantizeBlocks,
} from '../../../../shared/lm/quantize/quantize-blocks.js';
import { seededRandom } from '../../../../shared/random.js';
import { naiveProducts, sumOver } from './naive-products.js';

function setUp(k: number, rows: number, seed: number) {
  const random = seededRandom(seed);
  const tokens = 200;
  const mix = Float32Array.from({ length: k * k }, () => (random() - 0.5) * (random() < 0.2 ? 2 : 0.2));
  const x = new Float32Array(tokens * k);
  for (let i = 0; i < tokens; i++) {
    const source = Float32Array.from({ length: k }, () => random() - 0.5);
    for (let j = 0; j < k; j++) x[i * k + j] = sumOver(k, (m) => source[m]! * mix[m * k + j]!);
  }
  const weights = Float32Array.from({ length: rows * k }, () => random() + random() - 1);
  return { x, weights };
}

/** ‖X (W − Ŵ)ᵀ‖² */
async function outputError(x: Float32Array, w: Float32Array, back: Float32Array, k: number): Promise<number> {
  const lost = w.map((value, i) => value - back[i]!);
  return (await naiveProducts.timesTransposed(x, lost, k)).reduce((sum, y) => sum + y * y, 0);
}

/** GPTQ as published: the Cholesky factor of the inverse, errors pushed to the columns that follow. */
function publishedGptq(weights: Float32Array, h: Float32Array, k: number, block: number): Float32Array {
  const upper = upperFactor(inverse(Float64Array.from(h), k), k); // Uᵀ U = H⁻¹
  const rows = weights.length / k;
  const back = new Float32Array(weights.length);
  for (let row = 0; row < rows; row++) {
    const w = Float64Array.from(weights.subarray(row * k, (row + 1) * k));
    let scale = 0;
    for (let i = 0; i < k; i++) {
      if (i % block === 0) scale = absmaxScale(Float32Array.from(w), i, block, 4);
      const code = Math.min(7, Math.max(-8, Math.floor(w[i]! / scale + 0.5)));
      const error = (w[i]! - code * scale) / upper[i * k + i]!;
      for (let j = i; j < k; j++) w[j]! -= error * upper[i * k + j]!;
      back[row * k + i] = code * scale;
    }
  }
  return back;
}

function inverse(h: Float64Array, k: number): Float64Array {
  const result = Float64Array.from({ length: k * k }, (_, i) => (i % (k + 1) === 0 ? 1 : 0));
  for (let p = 0; p < k; p++) {
    const pivot = h[p * k + p]!;
    for (let j = 0; j < k; j++) {
      h[p * k + j]! /= pivot;
      result[p * k + j]! /= pivot;
    }
    for (let i = 0; i < k; i++) {
      const factor = i === p ? 0 : h[i * k + p]!;
      for (let j = 0; j < k; j++) {
        h[i * k + j]! -= factor * h[p * k + j]!;
        result[i * k + j]! -= factor * result[p * k + j]!;
      }
    }
  }
  return result;
}

function upperFactor(a: Float64Array, k: number): Float64Array {
  const u = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = i; j < k; j++) {
      const rest = a[i * k + j]! - sumOver(i, (m) => u[m * k + i]! * u[m * k + j]!);
      u[i * k + j] = i === j ? Math.sqrt(rest) : rest / u[i * k + i]!;
    }
  }
  return u;
}

t.test('the feedback gives what GPTQ as published gives, without the inverse', async (t) => {
  const k = 96;
  const { x, weights } = setUp(k, 12, 1);
  const h = await naiveProducts.gram(x, k, 0, k);
  const damped = h.slice();
  const lambda = (0.01 * sumOver(k, (i) => h[i * k + i]!)) / k;
  for (let i = 0; i < k; i++) damped[i * k + i]! += lambda;
  const format: BlockFormat = { bits: 4, block: 32 };
  const published = publishedGptq(weights, damped, k, 32);

  const factor = await factorHessian(h, k, naiveProducts);
  const codes = allocateRows(12, k, format);
  const replaced = weights.slice();
  await quantizeWithFeedback(replaced, k, factor, format, naiveProducts, codes);
  const found = dequantizeBlocks(codes, format);
  // A target on the edge between two levels may fall to either side in float32, and the rest of its row with it.
  const equalRows = Array.from({ length: 12 }, (_, row) =>
    found
      .subarray(row * k, (row + 1) * k)
      .every((value, i) => Math.abs(value - published[row * k + i]!) < 1e-4),
  ).filter(Boolean).length;
  t.ok(equalRows >= 11, `${equalRows} of 12 rows are equal`);
  const rounded = dequantizeBlocks(quantizeBlocks(weights, format), format);
  const differing = rounded.filter((value, i) => Math.abs(value - found[i]!) > 1e-4).length;
  t.ok(differing > rounded.length / 10, `and ${differing} of ${rounded.length} weights are not just rounded`);
  t.ok(
    replaced.every((value, i) => Math.abs(value - found[i]!) < 1e-6),
    'the weights become what the codes stand for',
  );
});

t.test(
  'feedback loses less of the output than rounding, for every width, block and scale rule',
  async (t) => {
    for (const bits of [4, 8] as const) {
      for (const [k, block] of [
        [64, 32],
        [128, 64],
        [128, 128],
      ] as const) {
        for (const scales of ['absmax', 'search'] as const) {
          const { x, weights } = setUp(k, 8, k + block);
          const format: BlockFormat = { bits, block, scales };
          const factor = await factorHessian(await naiveProducts.gram(x, k, 0, k), k, naiveProducts);
          const codes = allocateRows(8, k, format);
          await quantizeWithFeedback(weights.slice(), k, factor, format, naiveProducts, codes);
          const fed = await outputError(x, weights, dequantizeBlocks(codes, format), k);
          const plain = dequantizeBlocks(quantizeBlocks(weights, format), format);
          const rounded = await outputError(x, weights, plain, k);
          t.ok(
            fed < rounded * 0.8,
            `${bits} bits, ${k} by ${block}, ${scales}: ${(fed / rounded).toFixed(3)} of it`,
          );
        }
      }
    }
  },
);

t.test('uncorrelated inputs leave nothing to make up for: feedback is rounding', async (t) => {
  const k = 64;
  const identity = Float32Array.from({ length: k * k }, (_, i) => (i % (k + 1) === 0 ? 1 : 0));
  const format: BlockFormat = { bits: 4, block: 32 };
  const { weights } = setUp(k, 6, 9);
  const codes = allocateRows(6, k, format);
  const factor = await factorHessian(identity, k, naiveProducts);
  await quantizeWithFeedback(weights.slice(), k, factor, format, naiveProducts, codes);
  t.strictSame(codes, quantizeBlocks(weights, format, allocateRows(6, k, format)));
});
