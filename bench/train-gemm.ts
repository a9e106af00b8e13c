/**
 * How fast matrices can be multiplied here at all: single products of several shapes through the same sessions,
 * kernels, threads and precision as training. The best of them is the peak that training is held against.
 */
import { gemm, reduceSum, slice } from '../training/autodiff/expressions.js';
import { Tape } from '../training/autodiff/tape.js';
import {
  buildTrainingGraph,
  openTrainingGraph,
  type TrainingSession,
} from '../training/autodiff/training-graph.js';
import { seededRandom } from '../shared/random.js';
import { median } from './measure.js';
import type { TensorValue } from '../shared/onnx/session.js';
import type { EngineSetting } from './train-engine.js';

/** Rows of x, rows of W and columns of both, of x · Wᵀ as in a linear layer; the second is a head's. */
export const gemmShapes: readonly (readonly [m: number, n: number, k: number])[] = [
  [2048, 2048, 2048],
  [2048, 8192, 256],
  [1024, 4096, 1024],
];

export interface GemmPeak {
  gflops: number;
  shape: readonly number[];
}

interface Product {
  shape: (typeof gemmShapes)[number];
  session: TrainingSession;
  feeds: Record<string, TensorValue>;
}

export class GemmBench {
  readonly #products: readonly Product[];

  private constructor(products: readonly Product[]) {
    this.#products = products;
  }

  /** @param scale sides are divided by this, to try the bench itself */
  static async open(setting: EngineSetting, scale = 1): Promise<GemmBench> {
    const products: Product[] = [];
    for (const [m, n, k] of gemmShapes) {
      products.push(await openProduct([m / scale, n / scale, k / scale], setting));
    }
    return new GemmBench(products);
  }

  /** The best shape, by the median of its products: what can be kept up, as a step has to. */
  async peak(repeats = 7): Promise<GemmPeak> {
    let best: GemmPeak = { gflops: 0, shape: [] };
    for (const { shape, session, feeds } of this.#products) {
      const [m, n, k] = shape;
      const times: number[] = [];
      for (let i = 0; i < repeats; i++) {
        const began = performance.now();
        await session.run(feeds, new Map());
        times.push(performance.now() - began);
      }
      const gflops = (2 * m * n * k) / median(times) / 1e6;
      if (gflops > best.gflops) best = { gflops, shape };
    }
    return best;
  }

  async close(): Promise<void> {
    for (const { session } of this.#products) await session.close();
  }
}

/** Of the product one number is returned, so that the copy of an output is not timed with it. */
async function openProduct(shape: Product['shape'], setting: EngineSetting): Promise<Product> {
  const [m, n, k] = shape;
  const tape = new Tape('gemm', { kernels: setting.kernels, matmulPrecision: setting.precision });
  const x = tape.input('x', [m, k]);
  const w = tape.input('w', [n, k]);
  const y = gemm(tape, x, w, { transB: true });
  const corner = slice(tape, slice(tape, y, 0, 0, 1), 1, 0, 1);
  const graph = buildTrainingGraph(tape, { loss: reduceSum(tape, corner, [0, 1], false), parameters: [] });
  const random = seededRandom(m + n + k);
  const matrix = (rows: number): TensorValue => ({
    type: 'float32',
    shape: [rows, k],
    data: Float32Array.from({ length: rows * k }, () => random() - 0.5),
  });
  const feeds = { x: matrix(m), w: matrix(n) };
  return { shape, session: await openTrainingGraph(graph, { threads: setting.threads }), feeds };
}
