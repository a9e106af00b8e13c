import t from 'tap';
import * as e from '../../../training/autodiff/expressions.js';
import { ShapeError } from '../../../training/autodiff/shape.js';
import { Tape } from '../../../training/autodiff/tape.js';

t.test(
  'a shape that does not fit is refused while the graph is built, with the operator and the shapes',
  async (t) => {
    const tape = new Tape('test', { kernels: 'haetae' });
    const matrix = tape.parameter('matrix', [3, 4]);
    const other = tape.parameter('other', [3, 5]);
    const cube = tape.parameter('cube', [2, 3, 4]);
    const ids = tape.input('ids', [3], 'int64');
    const flag = tape.input('flag', [3, 4], 'bool');
    const from = tape.input('visible_from', [2, 4], 'int32');
    const cases: [wrong: () => unknown, message: string][] = [
      [() => e.add(tape, matrix, other), 'Add([3, 4], [3, 5]): the shapes do not broadcast'],
      [() => tape.node('Add', [matrix, ids]), 'Add([3, 4], [3]): element types differ: float32, int64'],
      [() => e.gemm(tape, matrix, other), 'Gemm([3, 4], [3, 5]): A·B: the inner sizes are 4 and 3'],
      [
        () => e.gemm(tape, matrix, other, { transB: true }),
        'Gemm([3, 4], [3, 5]): A·Bᵀ: the inner sizes are 4 and 5',
      ],
      [() => e.gemm(tape, matrix, cube), 'Gemm([3, 4], [2, 3, 4]): A and B must be matrices'],
      [
        () => e.gemm(tape, matrix, other, { transA: true, c: matrix }),
        'Gemm([3, 4], [3, 5], [3, 4]): C does not fit the product',
      ],
      [
        () => e.batchMatMul(tape, cube, matrix),
        'FusedMatMul([2, 3, 4], [3, 4]): the leading dimensions differ',
      ],
      [() => e.reshape(tape, matrix, [5, 3]), 'Reshape([3, 4]): [5, 3] has another number of elements'],
      [() => e.transpose(tape, matrix, [0, 0]), 'Transpose([3, 4]): perm is [0, 0]'],
      [() => e.concat(tape, [matrix, other], 0), 'Concat([3, 4], [3, 5]): the parts differ besides axis 0'],
      [() => e.concat(tape, [matrix, other], 2), 'Concat([3, 4], [3, 5]): there is no axis 2'],
      [() => e.split(tape, matrix, 1, [2, 3]), 'Split([3, 4]): sizes [2, 3] do not add up on axis 1'],
      [() => e.slice(tape, matrix, 1, 2, 5), 'Slice([3, 4]): 2 … 5 is not within axis 1'],
      [() => e.pad(tape, matrix, 1, -1, 0), 'Pad([3, 4]): pads are [0, -1, 0, 0]'],
      [() => e.expand(tape, matrix, [4, 4]), 'Expand([3, 4]): it does not expand to [4, 4]'],
      [() => e.reduceSum(tape, matrix, [2]), 'ReduceSum([3, 4]): axes are [2]'],
      [() => e.gatherRows(tape, matrix, matrix), 'Gather([3, 4], [3, 4]): ids must be int64, and the axis 0'],
      [
        () => e.gatherLast(tape, matrix, ids),
        'GatherElements([3, 4], [3]): ids must be int64 and, but for the last axis, shaped as x',
      ],
      [() => e.where(tape, matrix, matrix, 0), 'Where([3, 4], [3, 4], []): the condition is float32'],
      [() => e.where(tape, flag, matrix, other), 'Where([3, 4], [3, 5]): the shapes do not broadcast'],
      [
        () => tape.node('Reshape', [matrix, ids]),
        'Reshape([3, 4], [3]): input 1 must be a constant list of integers',
      ],
      [() => tape.node('GatedSilu', [other]), 'GatedSilu([3, 5]): gateUp must be a matrix of even width'],
      [
        () => tape.node('CausalAttention', [matrix, matrix, matrix, from], { num_heads: 2, kv_num_heads: 1 }),
        'CausalAttention([3, 4], [3, 4], [3, 4], [2, 4]): qkv must be [rows · length, (heads + 2 · kv heads) · head size], visible_from int32 [rows, length]',
      ],
    ];
    for (const [wrong, message] of cases) {
      t.throws(wrong, { name: 'ShapeError', message }, message);
    }
    t.ok(cases.every(([wrong]) => catches(wrong) instanceof ShapeError));
  },
);

t.test('names and kernels that are not there are refused', async (t) => {
  const tape = new Tape('test');
  tape.input('x', [1]);
  t.throws(() => tape.parameter('x', [1]), /the name "x" is empty or taken/);
  t.throws(() => tape.node('Convolve', []), /the operator table has no Convolve/);
  const matrix = tape.parameter('m', [2, 2]);
  t.throws(
    () => tape.node('GatedSilu', [matrix]),
    /GatedSilu is one of our addon, and test is built for ONNX Runtime/,
  );
  t.throws(() => tape.constant([2, 2], new Float32Array(3)), /a constant \[2, 2\] of 3 elements/);
  t.throws(() => new Tape('test', { matmulPrecision: 'high' }), /needs the kernels "haetae"/);
});

t.test('only what a parameter flows into needs a gradient', async (t) => {
  const tape = new Tape('test');
  const input = tape.input('input', [2]);
  const parameter = tape.parameter('parameter', [2]);
  t.notOk(e.exp(tape, input).requiresGrad);
  t.ok(e.add(tape, input, parameter).requiresGrad);
  t.notOk(e.exp(tape, e.stopGradient(parameter)).requiresGrad);
  t.notOk(tape.withoutGradient(() => e.exp(tape, parameter)).requiresGrad);
  t.notOk(e.greater(tape, parameter, 0).requiresGrad, 'a comparison has none');
  t.equal(tape.records.length, 2, 'the sum and the comparison');
});

t.test('constants that are equal are stored once', async (t) => {
  const tape = new Tape('test');
  t.equal(tape.scalar(0.5), tape.scalar(0.5));
  t.equal(tape.integers([1, 2]), tape.integers([1, 2]));
  t.not(tape.integers([1, 2]), tape.integers([12]));
  t.equal(tape.constants.length, 3);
});

function catches(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
