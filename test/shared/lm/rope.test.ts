import t from 'tap';
import { inverseFrequencies, ropeTables } from '../../../shared/lm/rope.js';

t.test('frequencies fall from 1 by equal ratios', async (t) => {
  t.same([...inverseFrequencies(4, 100, { type: 'default' })], [1, 0.1]);
  t.same([...inverseFrequencies(4, 100, { type: 'linear', factor: 4 })], [0.25, 0.025]);
});

t.test('llama3 keeps short waves, stretches long ones, and joins the two without a step', async (t) => {
  const plain = inverseFrequencies(128, 500_000, { type: 'default' });
  const scaled = inverseFrequencies(128, 500_000, {
    type: 'llama3',
    factor: 8,
    lowFreqFactor: 1,
    highFreqFactor: 4,
    originalMaxPositions: 8192,
  });
  const ratios = Array.from(scaled, (f, j) => plain[j]! / f);
  const waves = Array.from(plain, (f) => (2 * Math.PI) / f);
  ratios.forEach((ratio, j) => {
    if (waves[j]! < 2048) {
      t.equal(ratio, 1);
    } else if (waves[j]! > 8192) {
      t.ok(Math.abs(ratio - 8) < 1e-12);
    } else {
      t.ok(ratio > 1 && ratio < 8 && ratio > ratios[j - 1]!);
    }
  });
  t.ok(ratios.some((ratio) => ratio > 1 && ratio < 8));
});

t.test(
  'yarn keeps the first dimensions and stretches the last, also where its ramp has no width',
  async (t) => {
    const yarn = {
      type: 'yarn',
      factor: 4,
      originalMaxPositions: 64,
      betaFast: 32,
      betaSlow: 1,
      attentionFactor: 1.5,
      truncate: true,
    } as const;
    const plain = inverseFrequencies(32, 10_000, { type: 'default' });
    const scaled = inverseFrequencies(32, 10_000, yarn);
    t.equal(scaled[0], plain[0]);
    t.ok(Math.abs(plain[15]! / scaled[15]! - 4) < 1e-12);
    const point = inverseFrequencies(32, 10_000, { ...yarn, betaFast: 5, betaSlow: 5, truncate: false });
    t.ok(point.every((f, j) => f > 0 && f <= plain[j]!));
    const { cos, sin } = ropeTables({ headDim: 32, ropeTheta: 10_000, ropeScaling: yarn }, 3);
    t.equal(cos[0], 1.5);
    t.equal(sin[0], 0);
  },
);

t.test('tables hold cos and sin of float32 angles', async (t) => {
  const { cos, sin, positions } = ropeTables(
    { headDim: 4, ropeTheta: 100, ropeScaling: { type: 'default' } },
    20,
  );
  t.equal(positions, 20);
  t.equal(cos[7 * 2], Math.fround(Math.cos(7)));
  const angle = Math.fround(7 * Math.fround(0.1));
  t.equal(sin[7 * 2 + 1], Math.fround(Math.sin(angle)));
});
