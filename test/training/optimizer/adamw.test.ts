import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import { AdamW, type AdamWOptions } from '../../../training/optimizer/adamw.js';
import { ParameterMemory } from '../../../training/optimizer/parameter-memory.js';
import { tinyWeights } from '../../fixtures/tiny-checkpoint.js';

type Tensors = Record<string, number[]>;

interface Reference {
  steps: number;
  peak: number;
  shapes: Record<string, number[]>;
  decayed: string[];
  cases: Record<
    string,
    {
      options: AdamWOptions;
      gradNorms: number[];
      parameters: Record<string, Tensors>;
      firstMoments: Tensors;
      secondMoments: Tensors;
    }
  >;
}

const reference = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../reference/training/adamw.json'), 'utf8'),
) as Reference;

const plain: AdamWOptions = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, maxGradNorm: null };

/** The formula of the reference script. */
function referenceGradient(name: string, step: number): Float32Array {
  const values = tinyWeights(`${name}.${step}`, reference.shapes[name]!).map(
    (x) => x * 2 ** (((step * 7) % 11) - 6),
  );
  if (name === 'table.weight' && step >= 5) {
    values.fill(0, 18, 27);
  }
  return values;
}

/** The largest |actual − expected| over the largest |expected|, or over a floor where all are small. */
function worst(actual: ReadonlyMap<string, Float32Array>, expected: Tensors): number {
  return Math.max(
    ...Object.entries(expected).map(([name, values]) => {
      const scale = Math.max(...values.map(Math.abs), 1e-12);
      return Math.max(...values.map((x, i) => Math.abs(actual.get(name)![i]! - x))) / scale;
    }),
  );
}

for (const [name, expected] of Object.entries(reference.cases)) {
  t.test(`20 steps are PyTorch’s: ${name}`, async (t) => {
    const specs = Object.entries(reference.shapes).map(([name, shape]) => ({
      name,
      shape,
      decay: reference.decayed.includes(name),
    }));
    const memory = ParameterMemory.allocate(specs, { accumulate: false });
    for (const [name, values] of memory.parameters) {
      values.set(tinyWeights(name, reference.shapes[name]!));
    }
    const optimizer = new AdamW(memory, expected.options);
    const { maxGradNorm } = expected.options;
    for (let step = 0; step < reference.steps; step++) {
      for (const [name, values] of memory.gradients) {
        values.set(referenceGradient(name, step));
      }
      const learningRate = reference.peak * (1 - step / reference.steps);
      const { gradNorm, clipped, updated } = optimizer.step(learningRate);
      const norm = expected.gradNorms[step]!;
      t.ok(Math.abs(gradNorm / norm - 1) < 1e-6, `norm of step ${step}: ${gradNorm}, ${norm}`);
      t.equal(clipped, maxGradNorm !== null && norm > maxGradNorm, `clipped at step ${step}`);
      t.ok(updated);
      const after = expected.parameters[String(step + 1)];
      if (after !== undefined) {
        const error = worst(memory.parameters, after);
        // 2⁻²³ is one unit in the last place; 20 steps round 20 times.
        t.ok(error < (step + 1) * 2 ** -23, `weights after step ${step}: ${error}`);
      }
    }
    t.equal(optimizer.stepCount, reference.steps);
    t.ok(worst(memory.firstMoments, expected.firstMoments) < 1e-6);
    t.ok(worst(memory.secondMoments, expected.secondMoments) < 1e-6);
  });
}

function memoryOf(sizes: readonly number[], accumulate = false): ParameterMemory {
  const specs = sizes.map((size, i) => ({ name: `${i}`, shape: [size], decay: i % 2 === 0 }));
  return ParameterMemory.allocate(specs, { accumulate });
}

function fill(views: ReadonlyMap<string, Float32Array>, next: () => number): void {
  for (const view of views.values()) {
    for (let i = 0; i < view.length; i++) {
      view[i] = next();
    }
  }
}

/** All of the memory, padding included. */
const snapshot = ({ memory }: ParameterMemory) => new Float32Array(memory.buffer.slice(0));

t.test('tensors of any size, clipped or not, follow the formula in double precision', async (t) => {
  for (const sizes of [[1], [3, 1], [4, 3, 1, 16, 17], [1_000_003, 4]]) {
    for (const maxGradNorm of [null, 0.5]) {
      const random = seededRandom(5);
      const memory = memoryOf(sizes);
      const options = { ...plain, maxGradNorm };
      const optimizer = new AdamW(memory, options);
      fill(memory.parameters, () => random() - 0.5);
      const w = sizes.map((_, i) => Float64Array.from(memory.parameters.get(`${i}`)!));
      const m = sizes.map((size) => new Float64Array(size));
      const v = sizes.map((size) => new Float64Array(size));
      for (let step = 1; step <= 3; step++) {
        fill(memory.gradients, () => random() - 0.5);
        const g = sizes.map((_, i) => memory.gradients.get(`${i}`)!);
        const norm = Math.sqrt(g.reduce((sum, x) => x.reduce((s, y) => s + y * y, sum), 0));
        const scale = maxGradNorm === null ? 1 : Math.min(1, maxGradNorm / (norm + 1e-6));
        const { gradNorm, clipped } = optimizer.step(1e-2);
        t.ok(Math.abs(gradNorm / norm - 1) < 1e-12);
        t.equal(clipped, scale < 1);
        sizes.forEach((size, i) => {
          for (let k = 0; k < size; k++) {
            const x = g[i]![k]! * scale;
            m[i]![k] = 0.9 * m[i]![k]! + 0.1 * x;
            v[i]![k] = 0.95 * v[i]![k]! + 0.05 * x * x;
            const root = Math.sqrt(v[i]![k]! / (1 - 0.95 ** step));
            const decay = i % 2 === 0 ? 1 - 1e-2 * 0.1 : 1;
            w[i]![k] = w[i]![k]! * decay - (1e-2 * m[i]![k]!) / (1 - 0.9 ** step) / (root + 1e-8);
          }
        });
      }
      const error = Math.max(
        ...sizes.map((_, i) => {
          const actual = memory.parameters.get(`${i}`)!;
          return w[i]!.reduce((most, x, k) => Math.max(most, Math.abs(x - actual[k]!)), 0);
        }),
      );
      t.ok(error < 2e-7, `${sizes} ${maxGradNorm}: ${error}`);
      t.ok(
        paddingOfWeights(memory).every((x) => x === 0),
        'padding of the weights stays 0',
      );
    }
  }
});

function paddingOfWeights(memory: ParameterMemory): number[] {
  const { address } = memory.regions.parameters;
  return memory.places.flatMap(({ offset, bytes, elements }) => [
    ...new Float32Array(memory.memory.buffer, address + offset + elements * 4, bytes / 4 - elements),
  ]);
}

t.test('1e-6 is added to the norm before gradients are clipped by it, as PyTorch does', async (t) => {
  const memory = memoryOf([1]);
  fill(memory.gradients, () => 2e-6);
  t.ok(new AdamW(memory, { ...plain, maxGradNorm: 1e-6 }).step(1e-3).clipped);
  const moment = memory.firstMoments.get('0')![0]!;
  t.ok(Math.abs(moment / ((0.1 * 2e-6) / 3) - 1) < 1e-6, `${moment}`);
});

t.test('micro-batches that are accumulated make the step of one large batch', async (t) => {
  const sizes = [3, 1_000, 17];
  for (const count of [1, 2, 8]) {
    const random = seededRandom(6);
    // Multiples of 2⁻¹⁰ are added without rounding, so the steps must agree to the bit.
    const parts = Array.from({ length: count }, () =>
      sizes.map((size) =>
        Float32Array.from({ length: size }, () => Math.round((random() - 0.5) * 2 ** 10) / 2 ** 10),
      ),
    );
    const one = memoryOf(sizes);
    const several = memoryOf(sizes, true);
    const optimizers = [
      new AdamW(one, { ...plain, maxGradNorm: 1 }),
      new AdamW(several, { ...plain, maxGradNorm: 1 }),
    ] as const;
    for (let step = 0; step < 3; step++) {
      for (const [i, gradient] of [...one.gradients.values()].entries()) {
        gradient.forEach((_, k) => {
          gradient[k] = parts.reduce((sum, part) => sum + part[i]![k]!, 0) / count;
        });
      }
      for (const part of parts) {
        [...several.gradients.values()].forEach((gradient, i) => void gradient.set(part[i]!));
        optimizers[1].accumulate(1 / count);
      }
      t.strictSame(optimizers[1].step(1e-2), optimizers[0].step(1e-2));
    }
    for (const [name, values] of one.parameters) {
      t.strictSame(several.parameters.get(name), values, `${count} micro-batches, tensor ${name}`);
    }
  }
});

t.test('without accumulation a step takes the gradients as they are', async (t) => {
  const memory = memoryOf([5], true);
  const optimizer = new AdamW(memory, plain);
  fill(memory.gradients, () => 3);
  optimizer.accumulate();
  t.equal(optimizer.step(0).gradNorm, 3 * Math.sqrt(5));
  fill(memory.gradients, () => 1);
  t.equal(optimizer.step(0).gradNorm, Math.sqrt(5), 'what was accumulated is used once');
  t.throws(() => new AdamW(memoryOf([5]), plain).accumulate(), /without an accumulator/);
});

t.test('gradients that are not finite change nothing and are named', async (t) => {
  for (const odd of [Number.NaN, Infinity, -Infinity]) {
    for (const maxGradNorm of [null, 1]) {
      for (const accumulate of [false, true]) {
        const memory = memoryOf([3, 40, 1], accumulate);
        const optimizer = new AdamW(memory, { ...plain, maxGradNorm });
        fill(memory.parameters, () => 0.5);
        fill(memory.gradients, () => 0.25);
        optimizer.step(1e-2);
        memory.gradients.get('1')![39] = odd;
        if (accumulate) {
          optimizer.accumulate();
          fill(memory.gradients, () => 0.25);
          optimizer.accumulate();
        }
        const regions = () => snapshot(memory).subarray(0, memory.regions.parameters.bytes / 4);
        const before = regions();
        const { gradNorm, ...result } = optimizer.step(1e-2);
        t.notOk(Number.isFinite(gradNorm));
        t.strictSame(result, { clipped: false, updated: false, nonFinite: ['1'] });
        t.strictSame(regions(), before);
        t.equal(optimizer.stepCount, 1);
        fill(memory.gradients, () => 0.25);
        t.match(optimizer.step(1e-2), { updated: true, nonFinite: [] }, 'and the next step is made');
        t.ok([...memory.parameters.values()].every((values) => values.every(Number.isFinite)));
      }
    }
  }
});

t.test('gradients whose squares would make the second moment infinite change nothing', async (t) => {
  const memory = memoryOf([4]);
  fill(memory.gradients, () => 1e25);
  t.strictSame(new AdamW(memory, plain).step(1), {
    gradNorm: 2 * Math.fround(1e25),
    clipped: false,
    updated: false,
    nonFinite: [],
  });
  t.match(new AdamW(memory, { ...plain, maxGradNorm: 1 }).step(1), { clipped: true, updated: true });
  t.ok(memory.secondMoments.get('0')!.every(Number.isFinite));
});

t.test('a run goes on from step count, weights and moments to the same bits', async (t) => {
  const sizes = [33, 5];
  const gradients = seededRandom(7);
  const drawn = Array.from({ length: 6 }, () =>
    sizes.map((size) => Float32Array.from({ length: size }, () => gradients() - 0.5)),
  );
  const advance = (memory: ParameterMemory, optimizer: AdamW, steps: readonly Float32Array[][]) => {
    for (const step of steps) {
      [...memory.gradients.values()].forEach((gradient, i) => void gradient.set(step[i]!));
      optimizer.step(1e-2);
    }
  };
  const whole = memoryOf(sizes);
  advance(whole, new AdamW(whole, plain), drawn);
  const first = memoryOf(sizes);
  const stopped = new AdamW(first, plain);
  advance(first, stopped, drawn.slice(0, 3));
  const second = memoryOf(sizes);
  for (const kind of ['parameters', 'firstMoments', 'secondMoments'] as const) {
    for (const [name, values] of first[kind]) {
      second[kind].get(name)!.set(values);
    }
  }
  const resumed = new AdamW(second, plain);
  resumed.stepCount = stopped.stepCount;
  advance(second, resumed, drawn.slice(3));
  t.equal(resumed.stepCount, 6);
  for (const kind of ['parameters', 'firstMoments', 'secondMoments'] as const) {
    t.strictSame(second[kind], whole[kind], kind);
  }
});

t.test('moments never become subnormal, which would make a step 40 times slower', async (t) => {
  const memory = memoryOf([3, 5]);
  const optimizer = new AdamW(memory, { ...plain, weightDecay: 0, beta2: 0.9 });
  fill(memory.parameters, () => 0.5);
  const gradients = [0.5, 1e-15, 1e-22, 1e-30, -1e-38];
  [...memory.gradients.values()].forEach((gradient) => {
    gradient.forEach((_, i) => {
      gradient[i] = gradients[i]!;
    });
  });
  const smallestNormal = 2 ** -126;
  let subnormal = 0;
  for (let step = 0; step < 3_000; step++) {
    optimizer.step(1e-3);
    if (step === 100) {
      fill(memory.gradients, () => 0);
    }
    for (const moments of [memory.firstMoments, memory.secondMoments]) {
      for (const values of moments.values()) {
        subnormal += values.filter((x) => x !== 0 && Math.abs(x) < smallestNormal).length;
      }
    }
  }
  t.equal(subnormal, 0);
  const largest = Math.max(
    ...[...memory.firstMoments.values()].map((values) => Math.max(...values.map(Math.abs))),
  );
  t.ok(largest < 2 ** -90 / (1 - plain.beta1), `moments without gradients come to rest, at ${largest}`);
});

t.test('a weight that never had a gradient stays where it is, but for its decay', async (t) => {
  const memory = memoryOf([3, 5]);
  const optimizer = new AdamW(memory, plain);
  fill(memory.parameters, () => 0.5);
  const gradient = memory.gradients.get('1')!;
  for (let step = 0; step < 50; step++) {
    gradient[2] = Math.sin(step);
    optimizer.step(1e-3);
  }
  const expected = 0.5 * (1 - 1e-3 * 0.1) ** 50;
  t.ok(memory.parameters.get('0')!.every((x) => Math.abs(x - expected) < 50 * 2 ** -25));
  const values = memory.parameters.get('1')!;
  t.strictSame([...values.subarray(0, 2), ...values.subarray(3)], [0.5, 0.5, 0.5, 0.5]);
  t.not(values[2], 0.5);
});

t.test('options and learning rates out of range are refused', async (t) => {
  const memory = memoryOf([1]);
  for (const wrong of [
    { beta1: 1 },
    { beta1: -0.1 },
    { beta2: 1 },
    { beta2: Number.NaN },
    { epsilon: 0 },
    { weightDecay: -1 },
    { maxGradNorm: 0 },
    { maxGradNorm: Infinity },
  ]) {
    const [name] = Object.keys(wrong);
    t.throws(() => new AdamW(memory, { ...plain, ...wrong }), {
      code: 'CONFIG_INVALID',
      message: new RegExp(`^${name} of AdamW is`),
    });
  }
  const optimizer = new AdamW(memory, plain);
  for (const learningRate of [-1, Number.NaN, Infinity]) {
    t.throws(() => optimizer.step(learningRate), { code: 'CONFIG_INVALID', message: /learning rate/ });
  }
  t.equal(optimizer.stepCount, 0);
});
