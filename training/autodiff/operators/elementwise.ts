/** Operators over elements, with broadcasting. y denotes the output, d its gradient. */
import { tensorTypes } from '../../../shared/onnx/tensor-type.js';
import {
  cast,
  div,
  greater,
  greaterOrEqual,
  less,
  mul,
  neg,
  pow,
  sub,
  sumTo,
  where,
} from '../expressions.js';
import type { Inputs, Operator, OperatorTable } from '../operator.js';
import { broadcastShapes, ShapeError } from '../shape.js';
import type { Tape } from '../tape.js';
import type { ElementType, Variable } from '../variable.js';

function broadcast(operator: string, inputs: Inputs, type?: ElementType) {
  const given = inputs.filter((input) => input !== null);
  const [first] = given;
  if (given.some((input) => input.type !== first?.type)) {
    throw new ShapeError(operator, inputs, `element types differ: ${given.map((it) => it.type).join(', ')}`);
  }
  const shape = broadcastShapes(given.map((input) => input.shape));
  if (!shape) throw new ShapeError(operator, inputs, 'the shapes do not broadcast');
  return [{ shape, type: type ?? first!.type }];
}

type Partial = (tape: Tape, d: Variable, a: Variable, b: Variable, y: Variable) => Variable;

/** An operator of two operands, with the gradients by each before they are summed to its shape. */
function binary(operator: string, byA: Partial, byB: Partial): Operator {
  return {
    infer: (inputs) => broadcast(operator, inputs),
    gradient: (tape, { inputs, outputs }, [d]) => {
      const [a, b] = inputs as [Variable, Variable];
      const y = outputs[0]!;
      return [
        a.requiresGrad ? sumTo(tape, byA(tape, d!, a, b, y), a.shape) : null,
        b.requiresGrad ? sumTo(tape, byB(tape, d!, a, b, y), b.shape) : null,
      ];
    },
  };
}

function unary(by: (tape: Tape, d: Variable, x: Variable, y: Variable) => Variable): Operator {
  return {
    infer: ([x]) => [{ shape: x!.shape, type: x!.type }],
    gradient: (tape, { inputs, outputs }, [d]) => [by(tape, d!, inputs[0]!, outputs[0]!)],
  };
}

const comparison = (operator: string): Operator => ({
  infer: (inputs) => broadcast(operator, inputs, 'bool'),
});

const elementTypes = new Map(
  (['float32', 'int64', 'int32', 'bool'] as const).map((type) => [tensorTypes[type].onnx as number, type]),
);

export const elementwiseOperators: OperatorTable = {
  Add: binary(
    'Add',
    (_, d) => d,
    (_, d) => d,
  ),
  Sub: binary(
    'Sub',
    (_, d) => d,
    (tape, d) => neg(tape, d),
  ),
  Mul: binary(
    'Mul',
    (tape, d, _a, b) => mul(tape, d, b),
    (tape, d, a) => mul(tape, d, a),
  ),
  Div: binary(
    'Div',
    (tape, d, _a, b) => div(tape, d, b),
    (tape, d, _a, b, y) => neg(tape, div(tape, mul(tape, d, y), b)),
  ),
  Max: binary(
    'Max',
    (tape, d, a, b) => where(tape, greater(tape, a, b), d, 0),
    (tape, d, a, b) => where(tape, greater(tape, a, b), 0, d),
  ),
  Min: binary(
    'Min',
    (tape, d, a, b) => where(tape, less(tape, a, b), d, 0),
    (tape, d, a, b) => where(tape, less(tape, a, b), 0, d),
  ),
  /** Differentiable by the base only: an exponent that needs a gradient is an error. */
  Pow: {
    infer: (inputs) => broadcast('Pow', inputs),
    gradient: (tape, { inputs }, [d]) => {
      const [base, exponent] = inputs as [Variable, Variable];
      if (exponent.requiresGrad) throw new ShapeError('Pow', inputs, 'no gradient by the exponent is known');
      const slope = mul(tape, exponent, pow(tape, base, sub(tape, exponent, 1)));
      return [sumTo(tape, mul(tape, d!, slope), base.shape), null];
    },
  },
  Neg: unary((tape, d) => neg(tape, d)),
  Exp: unary((tape, d, _x, y) => mul(tape, d, y)),
  Log: unary((tape, d, x) => div(tape, d, x)),
  Sqrt: unary((tape, d, _x, y) => div(tape, mul(tape, d, 0.5), y)),
  Reciprocal: unary((tape, d, _x, y) => neg(tape, mul(tape, d, mul(tape, y, y)))),
  Sigmoid: unary((tape, d, _x, y) => mul(tape, d, mul(tape, y, sub(tape, 1, y)))),
  Tanh: unary((tape, d, _x, y) => mul(tape, d, sub(tape, 1, mul(tape, y, y)))),
  Abs: unary((tape, d, x) => where(tape, greaterOrEqual(tape, x, 0), d, neg(tape, d))),
  /** The runtime's x · sigmoid(alpha · x), in one kernel. */
  QuickGelu: { domain: 'com.microsoft', infer: ([x]) => [{ shape: x!.shape, type: x!.type }] },
  Identity: unary((_, d) => d),
  Where: {
    infer: (inputs) => {
      const [condition, a, b] = inputs as [Variable, Variable, Variable];
      if (condition.type !== 'bool')
        throw new ShapeError('Where', inputs, `the condition is ${condition.type}`);
      const [values] = broadcast('Where', [a, b]);
      const shape = broadcastShapes([condition.shape, values!.shape]);
      if (!shape) throw new ShapeError('Where', inputs, 'the shapes do not broadcast');
      return [{ shape, type: a.type }];
    },
    gradient: (tape, { inputs }, [d]) => {
      const [condition, a, b] = inputs as [Variable, Variable, Variable];
      return [
        null,
        a.requiresGrad ? sumTo(tape, where(tape, condition, d!, 0), a.shape) : null,
        b.requiresGrad ? sumTo(tape, where(tape, condition, 0, d!), b.shape) : null,
      ];
    },
  },
  Cast: {
    infer: ([x], attributes) => {
      const type = elementTypes.get(attributes.to as number);
      if (!type)
        throw new ShapeError('Cast', [x!], `element type ${String(attributes.to)} is not used in training`);
      return [{ shape: x!.shape, type }];
    },
    gradient: (tape, { inputs }, [d]) => [cast(tape, d!, inputs[0]!.type)],
  },
  Greater: comparison('Greater'),
  GreaterOrEqual: comparison('GreaterOrEqual'),
  Less: comparison('Less'),
  LessOrEqual: comparison('LessOrEqual'),
  Equal: comparison('Equal'),
  And: comparison('And'),
  Or: comparison('Or'),
  Not: { infer: ([x]) => [{ shape: x!.shape, type: 'bool' }] },
};
