import t from 'tap';
import {
  agreement,
  correlation,
  growthPerThousand,
  pairedRatio,
  spreadOf,
} from '../../bench/lm-statistics.js';
import { seededRandom } from '../../shared/random.js';

t.test(
  'ratios are taken within a round, so that a slow round does not count for one side only',
  async (t) => {
    t.same(pairedRatio([10, 40, 12], [5, 20, 6]), { median: 2, min: 2, max: 2 });
    t.same(pairedRatio([10, 30, 12], [5, 10, 12]), { median: 2, min: 1, max: 3 });
    t.same(pairedRatio([10, undefined, 12], [undefined, 1, 4]), { median: 3, min: 3, max: 3 });
    t.equal(pairedRatio([1], [undefined]), null);
    t.equal(pairedRatio([1, 2], []), null, 'the peer was absent');
    t.same(spreadOf([]), { median: Number.NaN, min: Number.NaN, max: Number.NaN });
  },
);

t.test('correlation is 1 for a linear relation, −1 for its opposite, about 0 for noise', async (t) => {
  const random = seededRandom(5);
  const a = Float32Array.from({ length: 10_000 }, () => random() - 0.5);
  const noise = Float32Array.from(a, () => random() - 0.5);
  t.ok(
    Math.abs(
      correlation(
        a,
        a.map((x) => 3 * x + 7),
      ) - 1,
    ) < 1e-6,
  );
  t.ok(
    Math.abs(
      correlation(
        a,
        a.map((x) => -x),
      ) + 1,
    ) < 1e-9,
  );
  t.ok(Math.abs(correlation(a, noise)) < 0.03);
  // var(a) = var(noise): corr(a, a + noise / 10) = 1 / √1.01
  const near = correlation(
    a,
    a.map((x, i) => x + (noise[i] as number) / 10),
  );
  t.ok(Math.abs(near - 1 / Math.sqrt(1.01)) < 1e-3, `${near}`);
  t.throws(() => correlation([1], [1, 2]), /cannot be compared/);
});

t.test('agreement is the share of equal tokens', async (t) => {
  t.equal(agreement([1, 2, 3, 4], [1, 9, 3, 4]), 0.75);
  t.throws(() => agreement([], []), /cannot be compared/);
});

t.test('growth is a slope: a steady leak shows, one high reading does not', async (t) => {
  const calls = Array.from({ length: 50 }, (_, i) => 20 * (i + 1));
  const leak = growthPerThousand(
    calls,
    calls.map((call) => 300 + call / 100),
  );
  t.ok(Math.abs(leak - 10) < 1e-9, `${leak} MB per thousand`);
  const flat = calls.map(() => 300);
  t.equal(growthPerThousand(calls, flat), 0);
  flat[49] = 310;
  t.ok(growthPerThousand(calls, flat) < 2);
});
