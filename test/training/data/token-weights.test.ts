import t from 'tap';
import { tokenWeights } from '../../../training/data/token-weights.js';

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
