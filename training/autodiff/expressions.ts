/**
 * The vocabulary of a graph: each function adds a node to a tape and returns its output. Where an operand may be a
 * number it stands for a float32 scalar. Shapes broadcast as in NumPy.
 */
import { elementCount, tensorTypes } from '../../shared/onnx/tensor-type.js';
import { isSameShape, normalizeAxes, reducedShape, ShapeError } from './shape.js';
import type { MatmulPrecision, Tape } from './tape.js';
import type { ElementType, Variable } from './variable.js';

export type Operand = Variable | number;

export interface MatMulOptions {
  /** Whether the operand is taken transposed (its last two dimensions). */
  transA?: boolean;
  transB?: boolean;
  /** Multiplies the product. Default 1. */
  alpha?: number;
}

export interface GemmOptions extends MatMulOptions {
  /** `[m, n]` or `[n]`, added to the product. */
  c?: Variable | null;
}

const lift = (tape: Tape, operand: Operand): Variable =>
  typeof operand === 'number' ? tape.scalar(operand) : operand;

const one = (tape: Tape, operator: string, inputs: readonly Variable[]): Variable =>
  tape.node(operator, inputs)[0]!;

const binary = (operator: string) => (tape: Tape, a: Operand, b: Operand) =>
  one(tape, operator, [lift(tape, a), lift(tape, b)]);

const unary = (operator: string) => (tape: Tape, x: Variable) => one(tape, operator, [x]);

export const add = binary('Add');
export const sub = binary('Sub');
export const mul = binary('Mul');
export const div = binary('Div');
export const pow = binary('Pow');
export const maximum = binary('Max');
export const minimum = binary('Min');
/** Comparisons give bool, and take int64 as well where both sides are variables. */
export const greater = binary('Greater');
export const greaterOrEqual = binary('GreaterOrEqual');
export const less = binary('Less');
export const equal = binary('Equal');
export const and = binary('And');
export const or = binary('Or');

export const neg = unary('Neg');
export const exp = unary('Exp');
export const log = unary('Log');
export const sqrt = unary('Sqrt');
export const reciprocal = unary('Reciprocal');
export const sigmoid = unary('Sigmoid');
export const tanh = unary('Tanh');
export const abs = unary('Abs');
export const not = unary('Not');

/** Over the last axis. */
export const softmax = unary('Softmax');
/** Over the last axis. */
export const logSoftmax = unary('LogSoftmax');

/** x · sigmoid(x). */
export function silu(tape: Tape, x: Variable): Variable {
  return mul(tape, x, sigmoid(tape, x));
}

/** Limits elements to min … max; the gradient is zero outside. */
export function clip(tape: Tape, x: Variable, min: number, max: number): Variable {
  return minimum(tape, maximum(tape, x, min), max);
}

export function where(tape: Tape, condition: Variable, a: Operand, b: Operand): Variable {
  return one(tape, 'Where', [condition, lift(tape, a), lift(tape, b)]);
}

export function cast(tape: Tape, x: Variable, to: ElementType): Variable {
  return x.type === to ? x : tape.node('Cast', [x], { to: tensorTypes[to].onnx })[0]!;
}

/** The same value, as a constant of the differentiation. */
export function stopGradient(x: Variable): Variable {
  return { ...x, requiresGrad: false };
}

export function reshape(tape: Tape, x: Variable, shape: readonly number[]): Variable {
  return isSameShape(x.shape, shape) ? x : one(tape, 'Reshape', [x, tape.integers(shape)]);
}

export function transpose(tape: Tape, x: Variable, permutation: readonly number[]): Variable {
  return tape.node('Transpose', [x], { perm: permutation })[0]!;
}

export function concat(tape: Tape, parts: readonly Variable[], axis: number): Variable {
  return parts.length === 1 ? parts[0]! : tape.node('Concat', parts, { axis })[0]!;
}

/** Elements `from` (inclusive) to `to` (exclusive) of an axis. */
export function slice(tape: Tape, x: Variable, axis: number, from: number, to: number): Variable {
  if (from === 0 && to === x.shape[axis]) return x;
  return one(tape, 'Slice', [x, tape.integers([from]), tape.integers([to]), tape.integers([axis])]);
}

/** Parts of these sizes along an axis. */
export function split(tape: Tape, x: Variable, axis: number, sizes: readonly number[]): Variable[] {
  return sizes.length === 1 ? [x] : tape.node('Split', [x, tape.integers(sizes)], { axis });
}

/** Zeros before and after along an axis. */
export function pad(tape: Tape, x: Variable, axis: number, before: number, after: number): Variable {
  if (before === 0 && after === 0) return x;
  const pads = new Array<number>(2 * x.shape.length).fill(0);
  pads[axis] = before;
  pads[x.shape.length + axis] = after;
  return one(tape, 'Pad', [x, tape.integers(pads)]);
}

export function expand(tape: Tape, x: Variable, shape: readonly number[]): Variable {
  return isSameShape(x.shape, shape) ? x : one(tape, 'Expand', [x, tape.integers(shape)]);
}

const reduction =
  (operator: string) =>
  (tape: Tape, x: Variable, axes: readonly number[], keepDims = false): Variable =>
    tape.node(operator, [x, tape.integers(axes)], { keepdims: keepDims ? 1 : 0 })[0]!;

export const reduceSum = reduction('ReduceSum');
export const reduceMean = reduction('ReduceMean');
/** Without a gradient. */
export const reduceMax = reduction('ReduceMax');

/** The sum of all elements, a scalar. */
export function sumAll(tape: Tape, x: Variable): Variable {
  return reduceSum(tape, x, [...x.shape.keys()]);
}

/** What `haetae.Gemm` calls them: 0 is float32, otherwise how many bfloat16 products make one of float32. */
const gemmPrecision: Readonly<Record<MatmulPrecision, number>> = { highest: 0, high: 3, medium: 1 };

/** op(a) · op(b) of matrices, times alpha, plus c. */
export function gemm(tape: Tape, a: Variable, b: Variable, options: GemmOptions = {}): Variable {
  const { transA = false, transB = false, alpha = 1, c = null } = options;
  const attributes = { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } };
  if (tape.kernels === 'runtime') {
    return tape.node('Gemm', c ? [a, b, c] : [a, b], { ...attributes, beta: { float: 1 } })[0]!;
  }
  const addend = c?.shape.length === 2 ? c : null;
  const precision = gemmPrecision[tape.matmulPrecision];
  const product = tape.node('haetae.Gemm', addend ? [a, b, addend] : [a, b], {
    ...attributes,
    precision,
  })[0]!;
  return c && !addend ? add(tape, product, c) : product;
}

/** The products of matrices in the last two dimensions; the dimensions before are the same in a and b. */
export function batchMatMul(tape: Tape, a: Variable, b: Variable, options: MatMulOptions = {}): Variable {
  const { transA = false, transB = false, alpha = 1 } = options;
  const attributes = { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } };
  return tape.node('FusedMatMul', [a, b], attributes)[0]!;
}

/** Rows of a table `[rows, …]` by int64 ids of any shape: `[…ids, …]`. */
export function gatherRows(tape: Tape, table: Variable, ids: Variable): Variable {
  return tape.node('Gather', [table, ids], { axis: 0 })[0]!;
}

/** One element of each row along the last axis: x `[…, n]`, ids int64 `[…, 1]` → `[…, 1]`. */
export function gatherLast(tape: Tape, x: Variable, ids: Variable): Variable {
  return tape.node('GatherElements', [x, ids], { axis: -1 })[0]!;
}

/** `into` `[rows, width]` plus `updates` `[n, width]`, each added to the row that ids int64 `[n]` name. */
export function scatterAddRows(tape: Tape, into: Variable, ids: Variable, updates: Variable): Variable {
  if (tape.kernels === 'haetae') return one(tape, 'EmbeddingGrad', [ids, updates, into]);
  // ScatterND with reduction=add is racy with two threads: wrong sums were measured.
  const at = expand(tape, reshape(tape, ids, [elementCount(ids.shape), 1]), updates.shape);
  return tape.node('ScatterElements', [into, at, updates], { axis: 0, reduction: 'add' })[0]!;
}

export function zeros(tape: Tape, shape: readonly number[]): Variable {
  return one(tape, 'ConstantOfShape', [tape.integers(shape)]);
}

/** Sums `gradient` over the dimensions that were broadcast from `shape`. */
export function sumTo(tape: Tape, gradient: Variable, shape: readonly number[]): Variable {
  if (isSameShape(gradient.shape, shape)) return gradient;
  const offset = gradient.shape.length - shape.length;
  const axes = gradient.shape.flatMap((size, i) =>
    i < offset || (shape[i - offset] === 1 && size !== 1) ? [i] : [],
  );
  const summed = axes.length > 0 ? reduceSum(tape, gradient, axes, true) : gradient;
  return reshape(tape, summed, shape);
}

/** Undoes a reduction without kept dimensions: `[…]` → the reduced axes back, of size 1. */
export function restoreAxes(
  tape: Tape,
  x: Variable,
  shape: readonly number[],
  axes: readonly number[],
): Variable {
  const normalized = normalizeAxes(axes, shape.length);
  if (!normalized)
    throw new ShapeError('restoreAxes', [x], `axes ${axes.join(', ')} of rank ${shape.length}`);
  return reshape(tape, x, reducedShape(shape, normalized, true));
}
