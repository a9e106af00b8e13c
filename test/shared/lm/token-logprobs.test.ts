import t from 'tap';
import { argmax, largestTokens, logSumExp, plainArgmax } from '../../../shared/lm/token-logprobs.js';
import { seededRandom } from '../../../shared/random.js';

const random = seededRandom(2);
const randomLogits = (size: number, spread = 20) =>
  Float32Array.from({ length: size }, () => (random() - 0.5) * spread);

t.test('the largest of equals is the first', async (t) => {
  for (const largest of [argmax, plainArgmax]) {
    t.equal(largest(Float32Array.of(1, 3, 3, 2)), 1);
    t.equal(largest(Float32Array.of(Number.NaN, -5, Number.NaN)), 1);
    t.equal(largest(Float32Array.of(Number.NaN)), -1);
    t.equal(largest(Float32Array.of(Number.NEGATIVE_INFINITY)), -1);
    t.equal(largest(new Float32Array(0)), -1);
  }
});

t.test('the largest is found alike natively and in JavaScript', async (t) => {
  for (let round = 0; round < 300; round++) {
    const whole = randomLogits(3 + Math.floor(random() * 400), 8).map((logit) =>
      random() < 0.1 ? Number.NaN : Math.round(logit),
    );
    const logits = whole.subarray(Math.floor(random() * 3));
    const slow = logits.findIndex(
      (logit) => logits.every((other) => !(other > logit)) && !Number.isNaN(logit),
    );
    t.equal(argmax(logits), slow);
    t.equal(plainArgmax(logits), slow);
  }
});

t.test('log-probabilities sum to one', async (t) => {
  for (const [size, spread] of [
    [1, 1],
    [7, 100],
    [5000, 30],
  ] as const) {
    const logits = randomLogits(size, spread);
    const norm = logSumExp(logits);
    const sum = logits.reduce((total, logit) => total + Math.exp(logit - norm), 0);
    t.ok(Math.abs(sum - 1) < 1e-8, `${size} tokens: ${sum}`);
  }
});

t.test('large logits do not overflow, and −∞ takes no part', async (t) => {
  t.ok(Math.abs(logSumExp(Float32Array.of(1000, 1000)) - (1000 + Math.log(2))) < 1e-9);
  t.ok(Math.abs(logSumExp(Float32Array.of(2, Number.NEGATIVE_INFINITY, 2)) - (2 + Math.log(2))) < 1e-9);
});

t.test('the largest tokens are those of a full sort, lower ids first among equals', async (t) => {
  for (let round = 0; round < 50; round++) {
    const size = 1 + Math.floor(random() * 60);
    const logits = randomLogits(size).map((logit) => (round % 2 ? Math.round(logit / 4) : logit));
    const sorted = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b);
    for (const count of [0, 1, 5, 20, 100]) {
      t.strictSame(largestTokens(logits, count), sorted.slice(0, count));
    }
  }
});
