import t from 'tap';
import { openMatrixProducts } from '../../../../shared/lm/quantize/matrix-products.js';
import { seededRandom } from '../../../../shared/random.js';
import { naiveProducts } from './naive-products.js';

t.test('the runtime multiplies as loops do', async (t) => {
  const random = seededRandom(2);
  const matrix = (rows: number, columns: number) =>
    Float32Array.from({ length: rows * columns }, () => random() - 0.5);
  const products = await openMatrixProducts(1);
  t.teardown(() => products.close());
  const near = (found: Float32Array, wanted: Float32Array, title: string) => {
    const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0);
    t.equal(found.length, wanted.length, title);
    t.ok(worst < 1e-5, `${title}: ${worst}`);
  };
  for (const [m, n, k] of [
    [1, 1, 1],
    [5, 7, 33],
    [40, 3, 100],
  ] as const) {
    const sizes = `${m} × ${n} × ${k}`;
    const [a, b] = [matrix(m, k), matrix(n, k)];
    near(
      await products.timesTransposed(a, b, k),
      await naiveProducts.timesTransposed(a, b, k),
      `A Bᵀ, ${sizes}`,
    );
    const [c, d] = [matrix(k, m), matrix(k, n)];
    near(
      await products.transposedTimes(c, d, k),
      await naiveProducts.transposedTimes(c, d, k),
      `Aᵀ B, ${sizes}`,
    );
    const x = matrix(k, 20);
    near(await products.gram(x, 20, 6, 17), await naiveProducts.gram(x, 20, 6, 17), `Xᵀ X, ${k} rows`);
  }
});
