import t from 'tap';
import { type SamplerSettings, sampleToken } from '../../../shared/lm/sampler.js';
import { SamplerScratch } from '../../../shared/lm/sampler-scratch.js';
import { seededRandom } from '../../../shared/random.js';

/** The distribution that is drawn from, by sorting everything. */
function naiveDistribution(logits: Float32Array, { temperature, topK, topP }: SamplerSettings): number[] {
  const order = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b);
  const kept = topK > 0 ? order.slice(0, topK) : order;
  const weights = kept.map((id) => Math.exp((logits[id]! - logits[order[0]!]!) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let reached = 0;
  const nucleus = kept.filter((_, i) => {
    const before = reached;
    reached += weights[i]!;
    return i === 0 || before < topP * total * (1 - 1e-12);
  });
  const mass = weights.slice(0, nucleus.length).reduce((sum, weight) => sum + weight, 0);
  const probabilities = new Array<number>(logits.length).fill(0);
  for (const [i, id] of nucleus.entries()) probabilities[id] = weights[i]! / mass;
  return probabilities;
}

/** The token at which the cumulated probability, in order of id, passes `u`. */
function naiveSample(probabilities: readonly number[], u: number): number {
  let left = u;
  return probabilities.findIndex((probability) => {
    left -= probability;
    return left < 0;
  });
}

/** Distance from `u` to the nearest boundary between tokens: nearer than rounding, either side is right. */
function boundaryDistance(probabilities: readonly number[], u: number): number {
  let sum = 0;
  let nearest = 1;
  for (const probability of probabilities) {
    sum += probability;
    nearest = Math.min(nearest, Math.abs(sum - u));
  }
  return nearest;
}

t.test('draws what sorting the whole vocabulary would draw', async (t) => {
  const random = seededRandom(3);
  let compared = 0;
  for (let round = 0; round < 400; round++) {
    const size = 1 + Math.floor(random() * 200);
    const scratch = new SamplerScratch(size);
    const coarse = round % 3 === 0;
    const logits = Float32Array.from({ length: size }, () => {
      const logit = (random() - 0.5) * 12;
      return coarse ? Math.round(logit) : logit;
    });
    const settings = {
      temperature: [0.1, 0.3, 1, 2.5][round % 4]!,
      topK: random() < 0.5 ? 0 : Math.ceil(random() * 50),
      topP: random() < 0.5 ? 1 : 0.01 + 0.98 * random(),
    };
    const probabilities = naiveDistribution(logits, settings);
    for (let i = 0; i < 20; i++) {
      const u = random();
      if (boundaryDistance(probabilities, u) < 1e-7) continue;
      compared++;
      const got = sampleToken(logits, settings, () => u, scratch);
      const expected = naiveSample(probabilities, u);
      if (got !== expected)
        t.fail(`round ${round}: ${got}, not ${expected}, ${JSON.stringify(settings)} u ${u}`);
    }
  }
  t.ok(compared > 7000, `${compared} draws compared`);
});

t.test('temperature 0 takes the likeliest and draws no number', async (t) => {
  const settings = { temperature: 0, topK: 0, topP: 1 };
  const never = () => t.fail('a number was drawn') as never;
  t.equal(sampleToken(Float32Array.of(1, 9, 9, 3), settings, never, new SamplerScratch(4)), 1);
});

t.test('frequencies are those of the softmax', async (t) => {
  const random = seededRandom(4);
  const logits = Float32Array.of(0, 1, 2, -1, 0.5);
  const settings = { temperature: 0.8, topK: 0, topP: 1 };
  const scratch = new SamplerScratch(5);
  const counts = new Array<number>(5).fill(0);
  const draws = 40_000;
  for (let i = 0; i < draws; i++) counts[sampleToken(logits, settings, random, scratch)]!++;
  for (const [id, probability] of naiveDistribution(logits, settings).entries()) {
    const deviation = Math.abs(counts[id]! / draws - probability);
    t.ok(
      deviation < 4 * Math.sqrt((probability * (1 - probability)) / draws),
      `token ${id} off by ${deviation}`,
    );
  }
});

t.test('a vocabulary of equals, and one of 150,000, end quickly', async (t) => {
  const size = 151_936;
  const scratch = new SamplerScratch(size);
  const random = seededRandom(5);
  const equal = new Float32Array(size).fill(1);
  const spread = Float32Array.from({ length: size }, () => random() * 4);
  for (const logits of [equal, spread]) {
    for (const settings of [
      { temperature: 1, topK: 50, topP: 0.9 },
      { temperature: 0.7, topK: 0, topP: 0.95 },
      { temperature: 1.5, topK: 0, topP: 1 },
    ]) {
      const id = sampleToken(logits, settings, random, scratch);
      t.ok(id >= 0 && id < size);
    }
  }
  const kept = sampleToken(equal, { temperature: 1, topK: 10, topP: 1 }, () => 0.999, scratch);
  t.equal(kept, 9, 'of equals, the lower ids are kept');
});

t.test('−∞ is never drawn; a NaN among numbers is passed over; nothing but NaN is an error', async (t) => {
  const random = seededRandom(6);
  const logits = Float32Array.of(Number.NEGATIVE_INFINITY, 1, Number.NaN, 1, Number.NEGATIVE_INFINITY);
  for (let i = 0; i < 500; i++) {
    const id = sampleToken(logits, { temperature: 5, topK: 4, topP: 0.99 }, random, new SamplerScratch(5));
    if (id !== 1 && id !== 3) t.fail(`drew ${id}`);
  }
  t.throws(
    () =>
      sampleToken(
        new Float32Array(3).fill(Number.NaN),
        { temperature: 0, topK: 0, topP: 1 },
        random,
        new SamplerScratch(3),
      ),
    { code: 'MODEL_INVALID' },
  );
});
