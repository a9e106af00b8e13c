import t from 'tap';
import { factorHessian } from '../../../../shared/lm/quantize/factor-hessian.js';
import { seededRandom } from '../../../../shared/random.js';
import { naiveProducts, sumOver } from './naive-products.js';

/** Xᵀ X of correlated inputs: `rank` directions and a little noise. */
async function hessian(n: number, rank: number, noise: number, seed: number): Promise<Float32Array> {
  const random = seededRandom(seed);
  const directions = Float32Array.from({ length: rank * n }, () => random() - 0.5);
  const rows = 2 * rank;
  const x = new Float32Array(rows * n);
  for (let t = 0; t < rows; t++) {
    for (let r = 0; r < rank; r++) {
      const size = random() - 0.5;
      for (let i = 0; i < n; i++) x[t * n + i]! += size * directions[r * n + i]! + noise * (random() - 0.5);
    }
  }
  return naiveProducts.gram(x, n, 0, n);
}

t.test('the factors multiply to the damped matrix, within one panel and over several', async (t) => {
  for (const n of [32, 128, 300]) {
    const h = await hessian(n, 20, 0.3, n);
    const lambda = (0.01 * sumOver(n, (i) => h[i * n + i]!)) / n;
    // What lies above the diagonal must not matter.
    const lower = h.map((value, i) => (i % n > Math.floor(i / n) ? Number.NaN : value));
    const given = lower.map((value) => (Number.isNaN(value) ? 1e9 : value));
    const { feedback, importance } = await factorHessian(given, n, naiveProducts);
    let worst = 0;
    for (let i = 0; i < n; i += 7) {
      for (let j = 0; j <= i; j += 3) {
        // (M D Mᵀ)_ij = Σ_k M_ik D_k M_jk with M_jk = feedback[k, j] and ones on the diagonal.
        const product = sumOver(n - i, (m) => {
          const k = i + m;
          const [mi, mj] = [i, j].map((row) => (k === row ? 1 : feedback[k * n + row]!)) as [number, number];
          return mi * importance[k]! * mj;
        });
        const wanted = h[i * n + j]! + (i === j ? lambda : 0);
        worst = Math.max(worst, Math.abs(product - wanted) / Math.sqrt(h[i * n + i]! * h[j * n + j]!));
      }
    }
    t.ok(worst < 1e-5, `${n}: ${worst}`);
    const isStrict = feedback.every((value, i) => i % n < Math.floor(i / n) || value === 0);
    t.ok(isStrict, 'row k of the feedback ends before column k');
  }
});

t.test('a singular matrix, dead inputs or none at all give finite factors', async (t) => {
  const singular = await hessian(40, 3, 0, 1);
  const dead = (await hessian(40, 10, 0.1, 2)).map((value, i) =>
    i % 40 === 5 || Math.floor(i / 40) === 5 ? 0 : value,
  );
  for (const h of [singular, dead, new Float32Array(1600)]) {
    const { feedback, importance } = await factorHessian(h, 40, naiveProducts);
    t.ok(feedback.every(Number.isFinite));
    t.ok(importance.every((value) => value > 0 && Number.isFinite(value)));
  }
});
