/** Every kernel against the same formula in plain JavaScript, bit for bit. */
import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import { instantiate } from '../../../training/optimizer/assembler/instantiate.js';
import { kernels } from '../../../training/optimizer/kernels.js';

const f = Math.fround;
const sizes = [16, 32, 48, 1_000_016];

/** Tensors one after another from a given address on, with 64 bytes of 77s before, between and after them. */
function tensors(count: number, elements: number, fill: (tensor: number) => number, start = 0) {
  const bytes = elements * 4;
  const pages = Math.ceil((start + (bytes + 64) * count + 64) / 65_536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const guards: Float32Array[] = [];
  const guard = (address: number) => guards.push(new Float32Array(memory.buffer, address, 16).fill(77));
  guard(start);
  const views = Array.from({ length: count }, (_, tensor) => {
    const address = start + 64 + tensor * (bytes + 64);
    const view = new Float32Array(memory.buffer, address, elements);
    for (let i = 0; i < elements; i++) {
      view[i] = fill(tensor);
    }
    guard(address + bytes);
    return view;
  });
  const untouched = () => guards.every((values) => values.every((x) => x === 77));
  return { kernels: instantiate(kernels, memory), views, bytes, untouched };
}

function firstDifference(actual: Float32Array, expected: Float32Array): number {
  return actual.findIndex((x, i) => !Object.is(x, expected[i]));
}

t.test('AdamW is its formula, to the bit', async (t) => {
  const random = seededRandom(2);
  // Of every size from subnormal to large, zeros among them; second moments are not negative.
  const number = (tensor: number) => {
    const x = random() < 0.05 ? 0 : (random() - 0.5) * 10 ** (random() * 50 - 42);
    return tensor === 3 ? Math.abs(x) : x;
  };
  const scalars = {
    gradientScale: 0.37,
    oneMinusBeta1: 0.1,
    beta2: 0.95,
    oneMinusBeta2: 0.05,
    stepSize: 3e-3,
    epsilon: 1e-8,
    decay: 1e-4,
  };
  const [scale, oneMinusBeta1, beta2, oneMinusBeta2, stepSize, epsilon, decay] = Object.values(scalars).map(
    f,
  ) as [number, number, number, number, number, number, number];
  for (const elements of sizes) {
    const { kernels, views, bytes, untouched } = tensors(4, elements, number);
    const [w, g, m, v] = views as [Float32Array, Float32Array, Float32Array, Float32Array];
    const expected = [w.slice(), g.slice(), m.slice(), v.slice()] as const;
    for (let i = 0; i < elements; i++) {
      let gradient = f(g[i]! * scale);
      let first = f(m[i]! + f(oneMinusBeta1 * f(gradient - m[i]!)));
      first = f(f(first + 2 ** -67) - 2 ** -67);
      gradient = f(gradient + 2 ** -52);
      const second = f(f(beta2 * v[i]!) + f(f(oneMinusBeta2 * gradient) * gradient));
      const step = f(f(stepSize * first) / f(f(Math.sqrt(second)) + epsilon));
      expected[0][i] = f(w[i]! - f(f(decay * w[i]!) + step));
      expected[2][i] = first;
      expected[3][i] = second;
    }
    kernels.adamW({
      parameters: w.byteOffset,
      gradients: g.byteOffset,
      firstMoments: m.byteOffset,
      secondMoments: v.byteOffset,
      bytes,
      ...scalars,
    });
    for (const [i, name] of ['weights', 'gradients', 'first moments', 'second moments'].entries()) {
      t.equal(firstDifference(views[i]!, expected[i]!), -1, `${name} of ${elements}`);
    }
    t.ok(untouched(), 'and nothing beside them is written');
  }
});

t.test('the sum of squares is that of 16 sums in double precision', async (t) => {
  const random = seededRandom(3);
  for (const elements of sizes) {
    const { kernels, views, bytes } = tensors(
      1,
      elements,
      () => (random() - 0.5) * 10 ** (random() * 20 - 10),
    );
    const values = views[0]!;
    const sums = new Float64Array(16);
    for (let i = 0; i < elements; i++) {
      sums[i % 16]! += values[i]! ** 2;
    }
    let even = 0;
    let odd = 0;
    for (let i = 0; i < 16; i += 2) {
      even += sums[i]!;
      odd += sums[i + 1]!;
    }
    t.equal(kernels.sumOfSquares({ values: values.byteOffset, bytes }), even + odd);
  }
});

t.test('a million squares add up to 12 digits, neither lost nor too large for a single', async (t) => {
  for (const x of [0.1, 1e-30, 3e38, 1e-44].map(f)) {
    const { kernels, views, bytes } = tensors(1, 1_000_000, () => x);
    const sum = kernels.sumOfSquares({ values: views[0]!.byteOffset, bytes });
    t.ok(Math.abs(sum / (1e6 * x * x) - 1) < 1e-12, `${x}: ${sum}`);
  }
});

t.test('scaling and adding are their formulas, to the bit, also in place', async (t) => {
  const random = seededRandom(4);
  const factor = f(0.3);
  for (const elements of sizes) {
    const { kernels, views, bytes, untouched } = tensors(2, elements, () => (random() - 0.5) * 10);
    const [a, b] = views as [Float32Array, Float32Array];
    const [target, source] = [a.byteOffset, b.byteOffset];
    const added = a.map((x, i) => f(x + f(b[i]! * factor)));
    kernels.addScaled({ target, source, bytes, factor: 0.3 });
    t.equal(firstDifference(a, added), -1, `added, ${elements}`);
    const scaled = b.map((x) => f(x * factor));
    kernels.scale({ target, source, bytes, factor: 0.3 });
    t.equal(firstDifference(a, scaled), -1, `scaled, ${elements}`);
    kernels.scale({ target: source, source, bytes, factor: 0.3 });
    t.equal(firstDifference(b, scaled), -1, `in place, ${elements}`);
    t.ok(untouched(), 'and nothing beside them is written');
  }
});

t.test('one number that is not finite is found wherever it stands', async (t) => {
  const { kernels, views, bytes } = tensors(1, 48, () => 3.4e38);
  const values = views[0]!;
  const found = () => kernels.hasNonFinite({ values: values.byteOffset, bytes });
  t.equal(found(), 0, 'the largest numbers, whose sum overflows, are finite');
  for (const odd of [Number.NaN, Infinity, -Infinity]) {
    for (let i = 0; i < 48; i++) {
      values[i] = odd;
      t.equal(found(), 1) || t.fail(`${odd} at ${i}`);
      values[i] = i % 2 === 0 ? -0 : 1e-45;
    }
  }
  t.equal(found(), 0, 'zeros and subnormals are finite');
});

t.test('addresses above 2 GiB are reached', async (t) => {
  const { kernels, views, bytes, untouched } = tensors(2, 32, (tensor) => 2 + tensor, 2 ** 31 - 128);
  const [a, b] = views as [Float32Array, Float32Array];
  t.ok(b.byteOffset > 2 ** 31);
  t.equal(kernels.sumOfSquares({ values: b.byteOffset, bytes }), 32 * 9);
  kernels.addScaled({ target: b.byteOffset, source: a.byteOffset, bytes, factor: 0.5 });
  t.ok(b.every((x) => x === 4) && untouched());
});

t.test('no bytes are no round', async (t) => {
  const { kernels, views, untouched } = tensors(1, 16, () => 2);
  const values = views[0]!.byteOffset;
  t.equal(kernels.sumOfSquares({ values, bytes: 0 }), 0);
  kernels.scale({ target: values, source: values, bytes: 0, factor: 3 });
  t.ok(views[0]!.every((x) => x === 2) && untouched());
});
