import t from 'tap';
import { normalNumbers } from '../../shared/normal-numbers.js';
import { seededRandom } from '../../shared/random.js';

t.test('two uniform numbers make two normal ones, the cosine first', async (t) => {
  const given = [Math.exp(-2), 0.125, 1, 0.5];
  const normal = normalNumbers(() => given.shift()!);
  const near = (found: number, expected: number) => t.ok(Math.abs(found - expected) < 1e-15, `${found}`);
  near(normal(), 2 * Math.SQRT1_2);
  near(normal(), 2 * Math.SQRT1_2);
  near(normal(), 0);
  near(normal(), 0);
});

t.test('their moments are those of the normal distribution', async (t) => {
  const random = seededRandom(1);
  const normal = normalNumbers(() => random() + 2 ** -33);
  const count = 40_000;
  const values = Float64Array.from({ length: count }, normal);
  const moment = (power: number) => values.reduce((sum, x) => sum + x ** power, 0) / count;
  // Four standard errors of each mean: √((E x²ⁿ − (E xⁿ)²) / count).
  for (const [power, expected, variance] of [
    [1, 0, 1],
    [2, 1, 2],
    [3, 0, 15],
    [4, 3, 96],
  ] as const) {
    t.ok(Math.abs(moment(power) - expected) < 4 * Math.sqrt(variance / count), `moment ${power}`);
  }
});
