import t from 'tap';
import { responsesOf, responseWeights, tokenWeights } from '../../../training/data/token-weights.js';

t.test('weights of all micro-batches of a step sum to 1, and are 0 off the mask', async (t) => {
  const masks = [Uint8Array.of(1, 0, 1, 1), Uint8Array.of(0, 0, 0, 0), Uint8Array.of(0, 1, 0, 1)];
  const weights = masks.map((mask) => tokenWeights(mask, 5));
  t.strictSame(weights[0], Float32Array.of(0.2, 0, 0.2, 0.2));
  t.strictSame(weights[1], new Float32Array(4));
  const sum = weights.flatMap((part) => [...part]).reduce((total, weight) => total + weight, 0);
  t.ok(Math.abs(sum - 1) < 1e-6);
});

t.test('a step without tokens to learn has weights of 0, not NaN', async (t) => {
  t.strictSame(tokenWeights(new Uint8Array(3), 0), new Float32Array(3));
});

t.test('where responses count alike a long one has no more weight than a short one', async (t) => {
  const sequence = (...slots: number[]) => ({
    ...{ tokens: new Int32Array(4), positions: Int32Array.from(slots), slots: Int32Array.from(slots) },
  });
  const batches = [[sequence(0), sequence(1, 2, 3), sequence()], [sequence(2, 3)], []].map((sequences) => ({
    ...{ positions: new BigInt64Array(4), labels: new BigInt64Array(4), mask: new Uint8Array(4), sequences },
  }));
  t.strictSame(batches.map(responsesOf), [2, 1, 0]);
  const weights = batches.map((batch) => responseWeights(batch, 3));
  t.strictSame(weights, [
    Float32Array.of(1 / 3, 1 / 9, 1 / 9, 1 / 9),
    Float32Array.of(0, 0, 1 / 6, 1 / 6),
    new Float32Array(4),
  ]);
});
