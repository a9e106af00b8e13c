import t from 'tap';
import { softmax, utilities } from '../../../shared/answering/choice-model.js';
import { seededRandom } from '../../../shared/random.js';
import {
  centre,
  type FitExample,
  fitChoiceModel,
  lossDerivatives,
  solveCholesky,
} from '../../../training/evidence/fit-choice-model.js';

const random = seededRandom(3);
const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Questions whose keys are drawn from the model itself, with the given weights. */
function planted(count: number, positive: readonly number[], negated: readonly number[]): FitExample[] {
  return Array.from({ length: count }, (_, i) => {
    const rows = Array.from({ length: 2 + (i % 4) }, () => positive.map(() => normal()));
    const isNegated = i % 3 === 0;
    const weights = isNegated ? negated : positive;
    const scores = rows.map((row) => row.reduce((sum, x, j) => sum + x * (weights[j] as number), 0));
    const u = random();
    let sum = 0;
    const key = softmax(scores).findIndex((p) => {
      sum += p;
      return u <= sum;
    });
    return { rows, key: Math.max(0, key), negated: isNegated };
  });
}

const centred = (examples: readonly FitExample[]) =>
  examples.map((example) => ({ ...example, rows: centre(example.rows) }));

t.test('the gradient and the Hessian are those of the loss, by finite differences', async (t) => {
  const examples = centred(planted(30, [1, -0.5, 0.2], [-1, 0.5, 0.8]));
  const params = Float64Array.from({ length: 6 }, () => normal());
  const l2 = 0.7;
  const h = 1e-5;
  const { gradient, hessian } = lossDerivatives(examples, params, l2);
  for (let j = 0; j < 6; j++) {
    const moved = (by: number) =>
      lossDerivatives(
        examples,
        params.map((value, i) => (i === j ? value + by : value)),
        l2,
      );
    const [up, down] = [moved(h), moved(-h)];
    // Central differences err by about h²; the loss is of the order of 30.
    t.ok(Math.abs((up.loss - down.loss) / (2 * h) - (gradient[j] as number)) < 1e-6, `gradient ${j}`);
    for (let k = 0; k < 6; k++) {
      const slope = ((up.gradient[k] as number) - (down.gradient[k] as number)) / (2 * h);
      t.ok(Math.abs(slope - (hessian[j * 6 + k] as number)) < 1e-6, `Hessian ${j}, ${k}`);
    }
  }
});

t.test('Newton’s method ends where slow gradient descent ends', async (t) => {
  const examples = planted(60, [1, -2], [0.5, 1]);
  const l2 = 1;
  const { scale, positive, negated } = fitChoiceModel(examples, l2);
  const scaled = centred(examples).map((example) => ({
    ...example,
    rows: example.rows.map((row) => row.map((x, j) => x / (scale[j] as number))),
  }));
  const params = new Float64Array(4);
  for (let step = 0; step < 4000; step++) {
    const { gradient } = lossDerivatives(scaled, params, l2);
    for (let j = 0; j < 4; j++) params[j] = (params[j] as number) - 0.01 * (gradient[j] as number);
  }
  const [u1, u2, v1, v2] = params as unknown as [number, number, number, number];
  for (const [got, expected] of [
    [positive[0], u1],
    [positive[1], u2],
    [negated[0], v1 - u1],
    [negated[1], v2 - u2],
  ] as [number, number][]) {
    t.ok(Math.abs(got - expected) < 1e-8, `${got} is ${expected}`);
  }
});

t.test('planted weights are found again', async (t) => {
  const [positive, negated] = [
    [1.5, -0.7, 0],
    [-1, 0.4, 0.9],
  ];
  const fitted = fitChoiceModel(planted(6000, positive, negated), 1e-3);
  // Standard error of a weight with 2,000 negated questions: about 0.03; five of them.
  for (let j = 0; j < 3; j++) {
    const scale = fitted.scale[j] as number;
    t.ok(Math.abs((fitted.positive[j] as number) / scale - (positive[j] as number)) < 0.15, `positive ${j}`);
    t.ok(Math.abs((fitted.negated[j] as number) / scale - (negated[j] as number)) < 0.15, `negated ${j}`);
  }
});

t.test('the fitted weights are those the served model uses', async (t) => {
  const examples = planted(500, [2, -1], [-2, 1]);
  const model = { ...fitChoiceModel(examples, 0.1), description: '', features: [], temperature: 1, fit: {} };
  const right = examples.filter(({ rows, key, negated }) => {
    const scores = utilities(model, rows, negated);
    return scores.indexOf(Math.max(...scores)) === key;
  });
  t.ok(right.length / examples.length > 0.6, `${right.length} of ${examples.length}; chance is about 0.3`);
});

t.test('the unit of a feature does not matter', async (t) => {
  const examples = planted(100, [1, -1], [1, 1]);
  const metres = fitChoiceModel(examples, 1);
  const stretched = fitChoiceModel(
    examples.map((example) => ({
      ...example,
      rows: example.rows.map(([x = 0, y = 0]) => [x * 1000 + 5, y]),
    })),
    1,
  );
  for (let j = 0; j < 2; j++) {
    t.ok(Math.abs((metres.positive[j] as number) - (stretched.positive[j] as number)) < 1e-6);
  }
});

t.test('a feature that never differs has weight 0 and scale 1', async (t) => {
  for (const constant of [0, 5, 0.1]) {
    const examples = planted(50, [1], [1]).map((example) => ({
      ...example,
      rows: example.rows.map((row) => [...row, constant]),
    }));
    const { scale, positive, negated } = fitChoiceModel(examples, 1);
    t.strictSame(
      [scale[1], Math.abs(positive[1] as number), Math.abs(negated[1] as number)],
      [1, 0, 0],
      String(constant),
    );
  }
});

t.test('a strong prior leaves no weights, a weak one does not overflow on separable data', async (t) => {
  const examples = planted(100, [3], [-3]);
  const strong = fitChoiceModel(examples, 1e9);
  t.ok(Math.abs(strong.positive[0] as number) < 1e-6 && Math.abs(strong.negated[0] as number) < 1e-6);
  const separable: FitExample[] = Array.from({ length: 20 }, (_, i) => ({
    rows: [[1], [0]],
    key: 0,
    negated: i % 2 === 0,
  }));
  const { positive, negated } = fitChoiceModel(separable, 1e-6);
  t.ok(Number.isFinite(positive[0]) && (positive[0] as number) > 1 && (negated[0] as number) > 1);
});

t.test('the optimum is found wherever the first step leads', async (t) => {
  for (const l2 of [1e-6, 1e-4, 1e-2, 1, 100]) {
    const examples = planted(40, [8, -8, 4], [-8, 8, 4]);
    const { scale, positive, negated } = fitChoiceModel(examples, l2);
    const rows = centred(examples).map((example) => ({
      ...example,
      rows: example.rows.map((row) => row.map((x, j) => x / (scale[j] as number))),
    }));
    const params = Float64Array.from([...positive, ...positive.map((u, j) => u + (negated[j] as number))]);
    const { gradient } = lossDerivatives(rows, params, l2);
    t.ok(
      gradient.every((g) => Math.abs(g) < 1e-6),
      `l2 ${l2}: gradient ${[...gradient].map((g) => g.toExponential(1))}`,
    );
  }
});

t.test('no examples fit no weights', async (t) => {
  t.strictSame(fitChoiceModel([], 1), { scale: [], positive: [], negated: [] });
});

t.test('Cholesky solves what it is given', async (t) => {
  for (let n = 1; n <= 8; n++) {
    const half = Float64Array.from({ length: n * n }, () => normal());
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let sum = i === j ? 0.1 : 0;
        for (let k = 0; k < n; k++) sum += (half[i * n + k] as number) * (half[j * n + k] as number);
        a[i * n + j] = sum;
      }
    }
    const x = Float64Array.from({ length: n }, () => normal());
    const b = Float64Array.from({ length: n }, (_, i) =>
      x.reduce((sum, value, j) => sum + (a[i * n + j] as number) * value, 0),
    );
    const solved = solveCholesky(a, b);
    t.ok(
      solved.every((value, i) => Math.abs(value - (x[i] as number)) < 1e-8),
      `n = ${n}`,
    );
  }
});
