/** Reductions over axes, which are given as a constant int64 list. */
import { div, expand, restoreAxes } from '../expressions.js';
import type { Inputs, Operator, OperatorTable, TapeNode } from '../operator.js';
import { normalizeAxes, reducedShape, ShapeError } from '../shape.js';
import type { Tape } from '../tape.js';
import type { Variable } from '../variable.js';
import { constantValues } from './shaping.js';

function axesOf(operator: string, inputs: Inputs): number[] {
  const given = constantValues(operator, inputs, 1);
  const axes = normalizeAxes(given, inputs[0]!.shape.length);
  if (!axes) throw new ShapeError(operator, inputs.slice(0, 1), `axes are [${given.join(', ')}]`);
  return axes;
}

/** The gradient of a sum: the same for each element that was summed. */
function spread(tape: Tape, operator: string, node: TapeNode, d: Variable): Variable {
  const [x] = node.inputs as [Variable];
  const axes = axesOf(operator, node.inputs);
  const kept = node.attributes.keepdims === 1 ? d : restoreAxes(tape, d, x.shape, axes);
  return expand(tape, kept, x.shape);
}

function reduction(operator: string, gradient?: Operator['gradient']): Operator {
  return {
    infer: (inputs, attributes) => {
      const [x] = inputs as [Variable];
      const axes = axesOf(operator, inputs);
      return [{ shape: reducedShape(x.shape, axes, attributes.keepdims === 1), type: x.type }];
    },
    ...(gradient ? { gradient } : {}),
  };
}

export const reductionOperators: OperatorTable = {
  ReduceSum: reduction('ReduceSum', (tape, node, [d]) => [spread(tape, 'ReduceSum', node, d!), null]),
  ReduceMean: reduction('ReduceMean', (tape, node, [d]) => {
    const [x] = node.inputs as [Variable];
    const count = axesOf('ReduceMean', node.inputs).reduce((product, axis) => product * x.shape[axis]!, 1);
    return [spread(tape, 'ReduceMean', node, div(tape, d!, count)), null];
  }),
  ReduceMax: reduction('ReduceMax'),
};
