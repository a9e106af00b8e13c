import t from 'tap';
import type { TensorValue } from '../../../shared/onnx/session.js';
import { seededRandom } from '../../../shared/random.js';
import * as e from '../../../training/autodiff/expressions.js';
import { checkGradients } from '../../../training/autodiff/gradient-check.js';
import { operatorTable } from '../../../training/autodiff/operator-table.js';
import type { Tape } from '../../../training/autodiff/tape.js';
import type { Variable } from '../../../training/autodiff/variable.js';

type Shapes = Readonly<Record<string, readonly number[]>>;

interface RuleCase {
  title: string;
  shapes: Shapes;
  /** Any shape: the test weighs the elements and sums them. */
  build: (tape: Tape, x: Readonly<Record<string, Variable>>) => Variable;
  /** Values lie in 0.5 … 2 instead of -1 … 1: for logarithms, roots, quotients. */
  positive?: boolean;
}

const ids = (tape: Tape, shape: readonly number[], values: readonly number[]) =>
  tape.constant(shape, BigInt64Array.from(values, BigInt));

const cases: RuleCase[] = [
  { title: 'Add broadcasts', shapes: { a: [3, 4], b: [4] }, build: (tape, { a, b }) => e.add(tape, a!, b!) },
  { title: 'Add of a value to itself', shapes: { a: [3] }, build: (tape, { a }) => e.add(tape, a!, a!) },
  {
    title: 'Sub broadcasts both ways',
    shapes: { a: [3, 1], b: [1, 4] },
    build: (tape, { a, b }) => e.sub(tape, a!, b!),
  },
  { title: 'Mul', shapes: { a: [2, 3], b: [2, 1] }, build: (tape, { a, b }) => e.mul(tape, a!, b!) },
  { title: 'Mul by a number', shapes: { a: [2, 3] }, build: (tape, { a }) => e.mul(tape, a!, -2.5) },
  {
    title: 'Div',
    shapes: { a: [2, 3], b: [3] },
    positive: true,
    build: (tape, { a, b }) => e.div(tape, a!, b!),
  },
  { title: 'Pow', shapes: { a: [2, 3] }, positive: true, build: (tape, { a }) => e.pow(tape, a!, 2.5) },
  { title: 'Max of two', shapes: { a: [5, 3], b: [3] }, build: (tape, { a, b }) => e.maximum(tape, a!, b!) },
  { title: 'Min of two', shapes: { a: [5, 3], b: [3] }, build: (tape, { a, b }) => e.minimum(tape, a!, b!) },
  { title: 'clip', shapes: { a: [4, 3] }, build: (tape, { a }) => e.clip(tape, a!, -0.5, 0.4) },
  { title: 'Neg', shapes: { a: [3] }, build: (tape, { a }) => e.neg(tape, a!) },
  { title: 'Exp', shapes: { a: [3] }, build: (tape, { a }) => e.exp(tape, a!) },
  { title: 'Log', shapes: { a: [3] }, positive: true, build: (tape, { a }) => e.log(tape, a!) },
  { title: 'Sqrt', shapes: { a: [3] }, positive: true, build: (tape, { a }) => e.sqrt(tape, a!) },
  { title: 'Reciprocal', shapes: { a: [3] }, positive: true, build: (tape, { a }) => e.reciprocal(tape, a!) },
  { title: 'Sigmoid', shapes: { a: [3] }, build: (tape, { a }) => e.sigmoid(tape, a!) },
  { title: 'silu', shapes: { a: [3, 2] }, build: (tape, { a }) => e.silu(tape, a!) },
  { title: 'Tanh', shapes: { a: [3] }, build: (tape, { a }) => e.tanh(tape, a!) },
  { title: 'Abs', shapes: { a: [6] }, build: (tape, { a }) => e.abs(tape, a!) },
  { title: 'Identity', shapes: { a: [3] }, build: (tape, { a }) => tape.node('Identity', [a!])[0]! },
  {
    title: 'Where',
    shapes: { a: [4, 3], b: [3], c: [4, 3] },
    build: (tape, { a, b, c }) => e.where(tape, e.greater(tape, c!, 0), a!, b!),
  },
  {
    title: 'Cast to a type without gradients and back stops nothing else',
    shapes: { a: [3] },
    build: (tape, { a }) =>
      e.add(tape, a!, e.cast(tape, e.cast(tape, e.stopGradient(a!), 'int64'), 'float32')),
  },
  {
    title: 'Cast to itself',
    shapes: { a: [3] },
    build: (tape, { a }) => tape.node('Cast', [a!], { to: 1 })[0]!,
  },
  { title: 'Reshape', shapes: { a: [3, 4] }, build: (tape, { a }) => e.reshape(tape, a!, [2, 6]) },
  { title: 'Transpose', shapes: { a: [2, 3, 4] }, build: (tape, { a }) => e.transpose(tape, a!, [2, 0, 1]) },
  {
    title: 'Concat',
    shapes: { a: [2, 3], b: [2, 1] },
    build: (tape, { a, b }) => e.concat(tape, [a!, b!, a!], 1),
  },
  {
    title: 'Split, with a part that is not used',
    shapes: { a: [2, 6] },
    build: (tape, { a }) => {
      const [first, , last] = e.split(tape, a!, 1, [2, 3, 1]);
      return e.mul(tape, first!, last!);
    },
  },
  { title: 'Slice', shapes: { a: [5, 3] }, build: (tape, { a }) => e.slice(tape, a!, 0, 1, 4) },
  { title: 'Pad', shapes: { a: [2, 3] }, build: (tape, { a }) => e.pad(tape, a!, 1, 2, 1) },
  { title: 'Expand', shapes: { a: [2, 1] }, build: (tape, { a }) => e.expand(tape, a!, [3, 2, 4]) },
  { title: 'ReduceSum', shapes: { a: [2, 3, 4] }, build: (tape, { a }) => e.reduceSum(tape, a!, [0, 2]) },
  {
    title: 'ReduceSum keeping axes',
    shapes: { a: [2, 3] },
    build: (tape, { a }) => e.reduceSum(tape, a!, [-1], true),
  },
  { title: 'ReduceMean', shapes: { a: [2, 3, 4] }, build: (tape, { a }) => e.reduceMean(tape, a!, [1]) },
  { title: 'Softmax', shapes: { a: [3, 5] }, build: (tape, { a }) => e.softmax(tape, a!) },
  { title: 'LogSoftmax', shapes: { a: [3, 5] }, build: (tape, { a }) => e.logSoftmax(tape, a!) },
  ...[false, true].flatMap((transA) =>
    [false, true].flatMap((transB): RuleCase[] => {
      const title = `with ${transA ? 'Aᵀ' : 'A'} and ${transB ? 'Bᵀ' : 'B'}`;
      const a = transA ? [4, 3] : [3, 4];
      const b = transB ? [5, 4] : [4, 5];
      const options = { transA, transB, alpha: 0.7 };
      return [
        { title: `Gemm ${title}`, shapes: { a, b }, build: (tape, x) => e.gemm(tape, x.a!, x.b!, options) },
        {
          title: `Gemm plus C ${title}`,
          shapes: { a, b, c: [5] },
          build: (tape, x) => e.gemm(tape, x.a!, x.b!, { ...options, c: x.c! }),
        },
        {
          title: `FusedMatMul ${title}`,
          shapes: { a: [2, ...a], b: [2, ...b] },
          build: (tape, x) => e.batchMatMul(tape, x.a!, x.b!, options),
        },
      ];
    }),
  ),
  {
    title: 'Gather with an id twice, added to another use of the table',
    shapes: { a: [5, 3] },
    build: (tape, { a }) => {
      const rows = e.gatherRows(tape, a!, ids(tape, [2, 2], [4, 0, 4, 1]));
      return e.mul(tape, rows, e.slice(tape, a!, 0, 1, 3));
    },
  },
  {
    title: 'GatherElements',
    shapes: { a: [3, 4] },
    build: (tape, { a }) => e.gatherLast(tape, a!, ids(tape, [3, 1], [2, 0, 3])),
  },
];

for (const [i, { title, shapes, build, positive }] of cases.entries()) {
  t.test(`the rule of ${title} agrees with finite differences`, async (t) => {
    const random = seededRandom(i + 1);
    const values = new Map(
      Object.entries(shapes).map(([name, shape]) => {
        const size = shape.reduce((product, n) => product * n, 1);
        const value = () => (positive ? 0.5 + 1.5 * random() : 2 * random() - 1);
        return [name, Float32Array.from({ length: size }, value)];
      }),
    );
    const check = await checkGradients(
      (tape) => {
        const x = Object.fromEntries(
          Object.entries(shapes).map(([name, shape]) => [name, tape.parameter(name, shape)]),
        );
        const y = build(tape, x);
        const weights = Float32Array.from(
          { length: y.shape.reduce((p, n) => p * n, 1) },
          () => 2 * random() - 1,
        );
        const loss = e.sumAll(tape, e.mul(tape, y, tape.constant(y.shape, weights)));
        const parameters = Object.values(x).filter(({ name }) => name !== 'c' || title !== 'Where');
        return { loss, parameters };
      },
      { values, feeds: fixedFeeds(title, values, shapes), steps: [0.02, 0.005, 0.001] },
    );
    t.ok(check.worst < 1e-3, `${check.worst.toExponential(1)} at ${check.worstParameter}`);
  });
}

/** The condition of Where is no parameter: it is fed as it is. */
function fixedFeeds(
  title: string,
  values: ReadonlyMap<string, Float32Array>,
  shapes: Shapes,
): Record<string, TensorValue> {
  return title === 'Where' ? { c: { type: 'float32', shape: shapes.c!, data: values.get('c')! } } : {};
}

t.test('every operator with a rule is among the cases', async (t) => {
  const covered = cases.map(({ title }) => title).join(' ');
  for (const [operator, { gradient, domain }] of operatorTable) {
    if (gradient && domain !== 'haetae') t.match(covered, new RegExp(`\\b${operator}\\b`), operator);
  }
});
