import t from 'tap';
import type { NamedTensor } from '../../../shared/onnx/safetensors.js';
import { add, mul, sumAll } from '../../../training/autodiff/expressions.js';
import type { BatchStream, GraphPlan, MicroBatch } from '../../../training/programs/graph-task.js';
import { trainedGraph } from '../../../training/programs/language-model.js';
import type { ProgramContext } from '../../../training/programs/run-program.js';
import type { CommonRun } from '../../../training/run/run-file-schema.js';

const totalSteps = 10;
const optimizer = {
  ...{ learningRate: 0.1, schedule: 'linear', warmupFraction: 0.2, finalFraction: 0.25 },
  ...{ beta1: 0.8, beta2: 0.9, epsilon: 1e-6, weightDecay: 0.5, maxGradNorm: 2 },
} as const;
/** 2 steps up from 0, then a line down to a quarter. */
const rates = [0, 0.05, ...Array.from({ length: 8 }, (_, i) => 0.1 * (0.25 + 0.75 * (1 - i / 8)))];

/** The loss is Σ x·w·f + y·b: its gradients are x·f and y. */
const plan: GraphPlan = {
  name: 'test',
  trained: [
    { name: 'w', shape: [3], decay: true },
    { name: 'b', shape: [1], decay: false },
  ],
  frozen: [{ name: 'f', shape: [3] }],
  build(tape, weights) {
    const weighted = mul(tape, mul(tape, tape.input('x', [3]), weights('w')), weights('f'));
    const bias = mul(tape, tape.input('y', [1]), weights('b'));
    return { loss: add(tape, sumAll(tape, weighted), sumAll(tape, bias)) };
  },
};
const frozen = [2, -1, 0.5];
const begin = { w: [1, -2, 3], b: [0.5] };

/** Inputs x, y of micro-batch `index` of a step: large in steps 4 to 6, so that those are clipped. */
function inputs(step: number, index: number): number[] {
  const size = step >= 4 && step <= 6 ? 5 : 0.1;
  return [1, 2, 3, 4].map((i) => size * Math.sin(1.3 * i + 0.7 * step + 0.9 * index));
}

class Stream implements BatchStream {
  readonly #inputs: typeof inputs;
  readonly #accumulate: number;
  ended = 0;
  dealt = 0;

  constructor(accumulate: number, of = inputs) {
    this.#accumulate = accumulate;
    this.#inputs = of;
  }

  async next(step: number): Promise<{ batches: readonly MicroBatch[]; epoch: number }> {
    this.dealt += this.#accumulate;
    const batches = Array.from({ length: this.#accumulate }, (_, i) => microBatch(this.#inputs(step, i), i));
    return { batches, epoch: step / totalSteps };
  }

  observe(index: number): Record<string, number> {
    return { index };
  }

  endStep(): Record<string, number> {
    this.ended++;
    return { ended: this.ended };
  }

  state(): Record<string, unknown> {
    return { dealt: this.dealt };
  }

  restore(state: Readonly<Record<string, unknown>>): void {
    this.dealt = state.dealt as number;
  }
}

function microBatch([a, b, c, y]: readonly number[], index: number): MicroBatch {
  return {
    tokens: 3 + index,
    documents: ['shared', `document ${index}`],
    feeds: () => ({
      x: { type: 'float32', shape: [3], data: Float32Array.of(a!, b!, c!) },
      y: { type: 'float32', shape: [1], data: Float32Array.of(y!) },
    }),
  };
}

async function open(
  t: { teardown(work: () => Promise<void>): unknown },
  accumulate: number,
  stream = new Stream(accumulate),
) {
  const graph = trainedGraph({
    run: { accumulate, optimizer } as unknown as CommonRun,
    context: { threads: 1, kernels: 'runtime', matmulPrecision: 'highest' } as ProgramContext,
    ...{ plan, totalSteps, stream },
    validation: { batches: [microBatch([1, 0, 0, 0], 0), microBatch([0, 1, 1, 2], 1)], tokens: 7 },
    async begin(trained) {
      for (const [name, values] of Object.entries(begin)) trained.get(name)!.set(values);
      return new Map([['f', Float32Array.from(frozen)]]);
    },
  });
  const task = await graph.open();
  t.teardown(() => task.close());
  return { task, stream, values: () => ['w', 'b'].flatMap((name) => Array.from(graph.weights().get(name)!)) };
}

/** AdamW after Loshchilov & Hutter, with clipping by the norm, in double precision; from one step to the next. */
function* reference(accumulate: number) {
  const weights = [...begin.w, ...begin.b];
  const [m, v] = [weights.map(() => 0), weights.map(() => 0)] as [number[], number[]];
  for (let step = 1; step <= totalSteps; step++) {
    const batches = Array.from({ length: accumulate }, (_, i) => inputs(step, i));
    const slopes = [...frozen, 1];
    const gradient = slopes.map((slope, i) => slope * batches.reduce((sum, x) => sum + x[i]!, 0));
    const loss = gradient.reduce((sum, g, i) => sum + g * weights[i]!, 0);
    const gradNorm = Math.hypot(...gradient);
    const scale = Math.min(1, optimizer.maxGradNorm / (gradNorm + 1e-6));
    const rate = rates[step - 1]!;
    for (const [i, g] of gradient.entries()) {
      m[i] = 0.8 * m[i]! + 0.2 * scale * g;
      v[i] = 0.9 * v[i]! + 0.1 * (scale * g) ** 2;
      const update = m[i]! / (1 - 0.8 ** step) / (Math.sqrt(v[i]! / (1 - 0.9 ** step)) + 1e-6);
      weights[i]! -= rate * (update + (i < 3 ? 0.5 * weights[i]! : 0));
    }
    yield { loss, gradNorm, rate, clipped: scale < 1, weights: [...weights] };
  }
}

const copyOf = (data: NamedTensor['data']) => (data as Float32Array).slice();
const isNear = (a: number, b: number) => Math.abs(a - b) < 2e-5 * Math.max(1, Math.abs(b));

for (const accumulate of [1, 3]) {
  t.test(`a step is AdamW on the sum of ${accumulate} micro-batches, as the run file says`, async (t) => {
    const { task, stream, values } = await open(t, accumulate);
    const clipped: boolean[] = [];
    let step = 0;
    for (const expected of reference(accumulate)) {
      const report = await task.step(++step);
      t.ok(isNear(report.loss, expected.loss), `loss of step ${step}: ${report.loss}, ${expected.loss}`);
      t.ok(isNear(report.gradNorm, expected.gradNorm), `norm ${report.gradNorm}, ${expected.gradNorm}`);
      t.ok(isNear(report.learningRate, expected.rate), `rate ${report.learningRate}, ${expected.rate}`);
      const found = values();
      t.ok(
        found.every((value, i) => isNear(value, expected.weights[i]!)),
        `weights ${found}, ${expected.weights}`,
      );
      t.equal(report.tokens, accumulate === 1 ? 3 : 12);
      t.strictSame(
        report.documents,
        accumulate === 1 ? ['shared', 'document 0'] : ['shared', 'document 0', 'document 1', 'document 2'],
      );
      t.same(report.extra, { index: (accumulate - 1) / 2, ended: step });
      clipped.push(expected.clipped);
    }
    t.ok(clipped.includes(true) && clipped.includes(false), 'some steps are clipped, some are not');
    t.equal(stream.dealt, accumulate * totalSteps);
    const [w1, w2, w3, b] = values();
    const expected = 2 * w1! - w2! + 0.5 * w3! + 2 * b!;
    const measured = await task.evaluate();
    t.ok(isNear(measured!.loss, expected), `validation ${measured!.loss}, ${expected}`);
    t.equal(measured!.tokens, 7);
  });
}

t.test('from its state and tensors another task goes on to the same bits', async (t) => {
  const first = await open(t, 3);
  for (let step = 1; step <= 5; step++) await first.task.step(step);
  const state = JSON.parse(JSON.stringify(first.task.state())) as ReturnType<typeof first.task.state>;
  const kept = new Map(first.task.tensors().map(({ name, data }) => [name, copyOf(data)]));
  const second = await open(t, 3);
  await second.task.restore(state, async ({ name, data }: NamedTensor) => {
    (data as Float32Array).set(kept.get(name)!);
  });
  t.equal(second.stream.dealt, first.stream.dealt);
  for (let step = 6; step <= totalSteps; step++) {
    const [a, b] = [await first.task.step(step), await second.task.step(step)];
    t.equal(b.loss, a.loss);
    t.strictSame(second.values(), first.values());
  }
});

for (const [what, bad] of [
  // x·w overflows, where the gradient by w is finite.
  ['an infinite loss of a finite gradient', [0, 0, 3e38, 0]],
  ['a loss that is no number', [Number.NaN, 0, 0, 0]],
] as const) {
  t.test(`${what} leaves weights, moments and step count as they were`, async (t) => {
    const stream = new Stream(1, (step, index) => (step === 3 ? [...bad] : inputs(step, index)));
    const { task } = await open(t, 1, stream);
    await task.step(1);
    await task.step(2);
    const before = task.tensors().map(({ data }) => copyOf(data));
    const state = task.state().optimizerSteps;
    const report = await task.step(3);
    t.notOk(Number.isFinite(report.loss) && Number.isFinite(report.gradNorm), `${report.gradNorm}`);
    t.strictSame(
      task.tensors().map(({ data }) => copyOf(data)),
      before,
    );
    t.equal(task.state().optimizerSteps, state);
    t.equal(stream.ended, 2, 'the stream is not told of a step that was none');
  });
}
