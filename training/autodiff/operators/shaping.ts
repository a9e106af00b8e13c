/** Operators that move elements without changing them. */
import { elementCount } from '../../../shared/onnx/tensor-type.js';
import { concat, pad, reshape, slice, sumTo, transpose, zeros } from '../expressions.js';
import type { Inputs, OperatorTable } from '../operator.js';
import { broadcastShapes, isSameShape, ShapeError } from '../shape.js';
import type { Variable } from '../variable.js';

/** The numbers of a constant int64 input. */
export function constantValues(operator: string, inputs: Inputs, index: number): readonly number[] {
  const values = inputs[index]?.values;
  if (!values) throw new ShapeError(operator, inputs, `input ${index} must be a constant list of integers`);
  return values;
}

function axisOf(operator: string, inputs: Inputs, axis: unknown): number {
  const rank = inputs[0]!.shape.length;
  const positive = Number(axis) < 0 ? Number(axis) + rank : Number(axis);
  if (!(Number.isInteger(positive) && positive >= 0 && positive < rank)) {
    throw new ShapeError(operator, inputs, `there is no axis ${String(axis)}`);
  }
  return positive;
}

const withSize = (shape: readonly number[], axis: number, size: number) =>
  shape.map((given, i) => (i === axis ? size : given));

export const shapingOperators: OperatorTable = {
  Reshape: {
    infer: (inputs) => {
      const [x] = inputs as [Variable];
      const shape = constantValues('Reshape', inputs, 1);
      if (elementCount(shape) !== elementCount(x.shape)) {
        throw new ShapeError('Reshape', [x], `[${shape.join(', ')}] has another number of elements`);
      }
      return [{ shape, type: x.type }];
    },
    gradient: (tape, { inputs }, [d]) => [reshape(tape, d!, inputs[0]!.shape), null],
  },
  Transpose: {
    infer: (inputs, attributes) => {
      const [x] = inputs as [Variable];
      const permutation = attributes.perm as readonly number[];
      if (
        !isSameShape(
          [...permutation].sort((a, b) => a - b),
          [...x.shape.keys()],
        )
      ) {
        throw new ShapeError('Transpose', inputs, `perm is [${permutation.join(', ')}]`);
      }
      return [{ shape: permutation.map((axis) => x.shape[axis]!), type: x.type }];
    },
    gradient: (tape, { attributes }, [d]) => {
      const permutation = attributes.perm as readonly number[];
      const inverse = permutation.map((_, i) => permutation.indexOf(i));
      return [transpose(tape, d!, inverse)];
    },
  },
  Concat: {
    infer: (inputs, attributes) => {
      const parts = inputs as readonly Variable[];
      const axis = axisOf('Concat', inputs, attributes.axis);
      const [first] = parts as [Variable];
      const like = withSize(first.shape, axis, 0);
      if (
        parts.some((part) => part.type !== first.type || !isSameShape(withSize(part.shape, axis, 0), like))
      ) {
        throw new ShapeError('Concat', inputs, `the parts differ besides axis ${axis}`);
      }
      const size = parts.reduce((sum, part) => sum + (part.shape[axis] ?? 0), 0);
      return [{ shape: withSize(first.shape, axis, size), type: first.type }];
    },
    gradient: (tape, { inputs, attributes }, [d]) => {
      const axis = axisOf('Concat', inputs, attributes.axis);
      let from = 0;
      return (inputs as readonly Variable[]).map((part) => {
        const to = from + part.shape[axis]!;
        const gradient = part.requiresGrad ? slice(tape, d!, axis, from, to) : null;
        from = to;
        return gradient;
      });
    },
  },
  Split: {
    infer: (inputs, attributes) => {
      const [x] = inputs as [Variable];
      const axis = axisOf('Split', [x], attributes.axis);
      const sizes = constantValues('Split', inputs, 1);
      if (sizes.reduce((sum, size) => sum + size, 0) !== x.shape[axis]) {
        throw new ShapeError('Split', [x], `sizes [${sizes.join(', ')}] do not add up on axis ${axis}`);
      }
      return sizes.map((size) => ({ shape: withSize(x.shape, axis, size), type: x.type }));
    },
    gradient: (tape, { inputs, outputs, attributes }, dOutputs) => {
      const axis = axisOf('Split', [inputs[0]!], attributes.axis);
      const parts = outputs.map((output, i) => dOutputs[i] ?? zeros(tape, output.shape));
      return [concat(tape, parts, axis), null];
    },
  },
  /** Along one axis, with step 1. */
  Slice: {
    infer: (inputs) => {
      const [x] = inputs as [Variable];
      const [from, to, axis] = [1, 2, 3].map((i) => constantValues('Slice', inputs, i)[0]!) as [
        number,
        number,
        number,
      ];
      axisOf('Slice', [x], axis);
      if (!(from >= 0 && from < to && to <= x.shape[axis]!)) {
        throw new ShapeError('Slice', [x], `${from} … ${to} is not within axis ${axis}`);
      }
      return [{ shape: withSize(x.shape, axis, to - from), type: x.type }];
    },
    gradient: (tape, { inputs }, [d]) => {
      const [x] = inputs as [Variable];
      const [from, to, axis] = [1, 2, 3].map((i) => constantValues('Slice', inputs, i)[0]!) as [
        number,
        number,
        number,
      ];
      return [pad(tape, d!, axis, from, x.shape[axis]! - to), null, null, null];
    },
  },
  /** With zeros. */
  Pad: {
    infer: (inputs) => {
      const [x] = inputs as [Variable];
      const pads = constantValues('Pad', inputs, 1);
      const rank = x.shape.length;
      if (pads.length !== 2 * rank || pads.some((size) => size < 0)) {
        throw new ShapeError('Pad', [x], `pads are [${pads.join(', ')}]`);
      }
      return [{ shape: x.shape.map((size, i) => size + pads[i]! + pads[rank + i]!), type: x.type }];
    },
    gradient: (tape, { inputs }, [d]) => {
      const [x] = inputs as [Variable];
      const pads = constantValues('Pad', inputs, 1);
      const inner = x.shape.reduce(
        (from, size, axis) => slice(tape, from, axis, pads[axis]!, pads[axis]! + size),
        d!,
      );
      return [inner, null];
    },
  },
  Expand: {
    infer: (inputs) => {
      const [x] = inputs as [Variable];
      const shape = constantValues('Expand', inputs, 1);
      const result = broadcastShapes([x.shape, shape]);
      if (!(result && isSameShape(result, shape))) {
        throw new ShapeError('Expand', [x], `it does not expand to [${shape.join(', ')}]`);
      }
      return [{ shape, type: x.type }];
    },
    gradient: (tape, { inputs }, [d]) => [sumTo(tape, d!, inputs[0]!.shape), null],
  },
  ConstantOfShape: {
    infer: (inputs) => [{ shape: constantValues('ConstantOfShape', inputs, 0), type: 'float32' }],
  },
};
