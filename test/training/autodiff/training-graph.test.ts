import t from 'tap';
import type { TensorValue } from '../../../shared/onnx/session.js';
import * as e from '../../../training/autodiff/expressions.js';
import { checkGradients } from '../../../training/autodiff/gradient-check.js';
import { gradients } from '../../../training/autodiff/gradients.js';
import { Tape } from '../../../training/autodiff/tape.js';
import {
  bestTrainingKernels,
  buildTrainingGraph,
  openTrainingGraph,
} from '../../../training/autodiff/training-graph.js';
import type { Variable } from '../../../training/autodiff/variable.js';

const float32 = (shape: readonly number[], ...values: number[]): TensorValue => ({
  type: 'float32',
  shape,
  data: Float32Array.from(values),
});

const kernels = [...new Set(['runtime', bestTrainingKernels().kernels] as const)];

for (const kernel of kernels) {
  t.test(
    `with the kernels "${kernel}" a run gives loss and metrics, and writes gradients where it is told`,
    async (t) => {
      const tape = new Tape('quadratic', { kernels: kernel });
      const x = tape.input('x', [2]);
      const w = tape.parameter('w', [2]);
      tape.input('unused', [7]);
      const error = e.sub(tape, w, x);
      const loss = e.sumAll(tape, e.mul(tape, error, error));
      const graph = buildTrainingGraph(tape, { loss, metrics: { error }, parameters: [w] });
      t.same(
        graph.inputs.map(({ name }) => name),
        ['x', 'w'],
        'what the loss does not need is not asked for',
      );
      const session = await openTrainingGraph(graph, { threads: 1 });
      t.teardown(() => session.close());
      const memory = new WebAssembly.Memory({ initial: 1 });
      const gradient = new Float32Array(memory.buffer, 64, 2);
      const feeds = { x: float32([2], 1, 2), w: float32([2], 4, -2), other: float32([1], 0) };
      const result = await session.run(feeds, new Map([['w', gradient]]));
      t.equal(result.loss, 25);
      t.same([...result.metrics.error!.data], [3, -4]);
      t.same([...gradient], [6, -8]);

      await t.rejects(
        session.run({ x: feeds.x }, new Map([['w', gradient]])),
        /needs the input w: float32 \[2\]/,
      );
      await t.rejects(
        session.run({ ...feeds, w: float32([3], 1, 2, 3) }, new Map([['w', gradient]])),
        /the input w must be float32 \[2\], not float32 \[3\] of 3 elements/,
      );
      await t.rejects(
        session.run(feeds, new Map()),
        /the gradient of w \[2\] needs as many elements, got nothing/,
      );
      await t.rejects(session.run(feeds, new Map([['w', new Float32Array(3)]])), /got 3 elements/);
    },
  );
}

t.test('a gradient that would have to pass an operator without a rule is an error', async (t) => {
  const tape = new Tape('test');
  const w = tape.parameter('w', [2, 3]);
  const loss = e.sumAll(tape, e.reduceMax(tape, w, [1]));
  t.throws(() => gradients(tape, loss, [w]), /operator ReduceMax has no gradient rule/);
  const other = tape.parameter('other', [2, 3]);
  const detached = e.sumAll(tape, e.mul(tape, other, e.reduceMax(tape, e.stopGradient(w), [1], true)));
  t.doesNotThrow(() => gradients(tape, detached, [other]), 'unless it is on no way to the loss');
});

t.test('a parameter the loss does not depend on is an error, not a zero', async (t) => {
  const tape = new Tape('test');
  const w = tape.parameter('w', [2]);
  const idle = tape.parameter('idle', [2]);
  const loss = e.sumAll(tape, e.mul(tape, w, e.stopGradient(idle)));
  t.throws(
    () => gradients(tape, loss, [w, idle]),
    /no gradient arrives at idle: the loss does not depend on it/,
  );
  t.throws(() => gradients(tape, w, [w]), /the loss must be a scalar/);
});

t.test('a block goes back by its own rule, whose shapes are held to those of its inputs', async (t) => {
  const cube = (tape: Tape, x: Variable) =>
    tape.block(
      'cube',
      [x],
      () => e.pow(tape, x, 3),
      (d) => [e.mul(tape, d, e.mul(tape, 3, e.mul(tape, x, x)))],
    );
  const values = new Map([['x', Float32Array.of(0.5, -0.3, 0.9)]]);
  const build = (rule: (tape: Tape, x: Variable) => Variable) => (tape: Tape) => {
    const x = tape.parameter('x', [3]);
    return { loss: e.sumAll(tape, e.mul(tape, x, rule(tape, x))), parameters: [x] };
  };
  t.ok((await checkGradients(build(cube), { values })).worst < 1e-4);

  const wrong = (tape: Tape, x: Variable) =>
    tape.block(
      'cube',
      [x],
      () => e.pow(tape, x, 3),
      (d) => [e.mul(tape, d, e.mul(tape, 2, e.mul(tape, x, x)))],
    );
  t.ok((await checkGradients(build(wrong), { values })).worst > 0.05, 'the check sees a wrong factor');

  const misshapen = (tape: Tape, x: Variable) =>
    tape.block(
      'cube',
      [x],
      () => e.pow(tape, x, 3),
      (d) => [e.reduceSum(tape, d, [0], true)],
    );
  await t.rejects(
    checkGradients(build(misshapen), { values }),
    /cube\(\[3\]\): its rule gives a gradient \[1\] for x \[3\]/,
  );
});

t.test('the memory of a run is that of the values alive at its worst moment', async (t) => {
  const tape = new Tape('test');
  const x = tape.input('x', [1000]);
  const chain = [1, 2, 3].reduce((y) => e.exp(tape, y), x);
  const both = e.add(tape, e.reshape(tape, chain, [10, 100]), e.reshape(tape, e.neg(tape, x), [10, 100]));
  const loss = e.sumAll(tape, both);
  const graph = buildTrainingGraph(tape, { loss, parameters: [] });
  t.equal(graph.peakBytes, 3 * 4000, 'two operands and their sum; views take nothing');
});
