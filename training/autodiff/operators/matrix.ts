/** Matrix products. With Y = op(A)·op(B), dop(A) = dY·op(B)ᵀ and dop(B) = op(A)ᵀ·dY, written without a Transpose. */
import { batchMatMul, gemm, type MatMulOptions, sumTo } from '../expressions.js';
import type { Attributes, Inputs, Operator, OperatorTable } from '../operator.js';
import { broadcastShapes, isSameShape, ShapeError } from '../shape.js';
import type { Variable } from '../variable.js';

function optionsOf(attributes: Attributes): Required<MatMulOptions> {
  const { alpha } = attributes as { alpha?: { float: number } };
  return { transA: attributes.transA === 1, transB: attributes.transB === 1, alpha: alpha?.float ?? 1 };
}

function productShape(
  operator: string,
  inputs: Inputs,
  attributes: Attributes,
): [rows: number, columns: number] {
  const { transA, transB } = optionsOf(attributes);
  const [a, b] = inputs as [Variable, Variable];
  const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
  const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
  const [m, k] = transA ? [aColumns, aRows] : [aRows, aColumns];
  const [kOfB, n] = transB ? [bColumns, bRows] : [bRows, bColumns];
  if (k !== kOfB) {
    const marks = [transA ? 'Aᵀ' : 'A', transB ? 'Bᵀ' : 'B'].join('·');
    throw new ShapeError(operator, inputs, `${marks}: the inner sizes are ${k} and ${kOfB}`);
  }
  return [m, n];
}

type Multiply = typeof batchMatMul;

/** Gradients of A and B. */
function productGradients(multiply: Multiply): NonNullable<Operator['gradient']> {
  return (tape, { inputs, attributes }, [d]) => {
    const { transA, transB, alpha } = optionsOf(attributes);
    const [a, b] = inputs as [Variable, Variable];
    const dA = () =>
      transA
        ? multiply(tape, b, d!, { transA: transB, transB: true, alpha })
        : multiply(tape, d!, b, { transB: !transB, alpha });
    const dB = () =>
      transB
        ? multiply(tape, d!, a, { transA: true, transB: transA, alpha })
        : multiply(tape, a, d!, { transA: !transA, alpha });
    return [a.requiresGrad ? dA() : null, b.requiresGrad ? dB() : null];
  };
}

const gemmGradients = productGradients(gemm);

const gemmOperator: Operator = {
  infer: (inputs, attributes) => {
    const [a, b, c] = inputs as [Variable, Variable, Variable | null | undefined];
    if (a.shape.length !== 2 || b.shape.length !== 2)
      throw new ShapeError('Gemm', inputs, 'A and B must be matrices');
    const shape = productShape('Gemm', inputs, attributes);
    const sum = c ? broadcastShapes([shape, c.shape]) : shape;
    if (!(sum && isSameShape(sum, shape))) throw new ShapeError('Gemm', inputs, 'C does not fit the product');
    return [{ shape, type: 'float32' }];
  },
  gradient: (tape, node, dOutputs) => {
    const c = node.inputs[2];
    const dC = c?.requiresGrad ? sumTo(tape, dOutputs[0]!, c.shape) : null;
    return [...gemmGradients(tape, node, dOutputs), dC];
  },
};

export const matrixOperators: OperatorTable = {
  Gemm: gemmOperator,
  /** The same on our kernels, in the tape's precision: C must be a matrix. */
  'haetae.Gemm': {
    ...gemmOperator,
    type: 'Gemm',
    domain: 'haetae',
    infer: (inputs, attributes) => {
      if (inputs[2] && inputs[2].shape.length !== 2)
        throw new ShapeError('Gemm', inputs, 'C must be a matrix');
      return gemmOperator.infer(inputs, attributes);
    },
  },
  /** The runtime's MatMul that takes its operands transposed; the leading dimensions are the same here. */
  FusedMatMul: {
    domain: 'com.microsoft',
    infer: (inputs, attributes) => {
      const [a, b] = inputs as [Variable, Variable];
      const leading = a.shape.slice(0, -2);
      if (a.shape.length < 2 || !isSameShape(leading, b.shape.slice(0, -2))) {
        throw new ShapeError('FusedMatMul', inputs, 'the leading dimensions differ');
      }
      return [{ shape: [...leading, ...productShape('FusedMatMul', inputs, attributes)], type: 'float32' }];
    },
    gradient: productGradients(batchMatMul),
  },
};
