/** Looking up and scattering by int64 ids. */
import { elementCount } from '../../../shared/onnx/tensor-type.js';
import { reshape, scatterAddRows, zeros } from '../expressions.js';
import type { Operator, OperatorTable } from '../operator.js';
import { isSameShape, ShapeError } from '../shape.js';
import type { Variable } from '../variable.js';

const scatter: Operator = {
  infer: (inputs) => {
    const [into, ids, updates] = inputs as [Variable, Variable, Variable];
    if (
      ids.type !== 'int64' ||
      !isSameShape(ids.shape, updates.shape) ||
      into.shape.length !== ids.shape.length
    ) {
      throw new ShapeError('ScatterElements', inputs, 'ids must be int64 and shaped as the updates');
    }
    return [{ shape: into.shape, type: into.type }];
  },
};

export const indexingOperators: OperatorTable = {
  /** Of rows: axis 0. */
  Gather: {
    infer: (inputs, attributes) => {
      const [table, ids] = inputs as [Variable, Variable];
      if (ids.type !== 'int64' || attributes.axis !== 0 || table.shape.length === 0) {
        throw new ShapeError('Gather', inputs, 'ids must be int64, and the axis 0');
      }
      return [{ shape: [...ids.shape, ...table.shape.slice(1)], type: table.type }];
    },
    gradient: (tape, { inputs }, [d]) => {
      const [table, ids] = inputs as [Variable, Variable];
      const count = elementCount(ids.shape);
      const width = elementCount(table.shape.slice(1));
      const rows = reshape(tape, d!, [count, width]);
      const flatIds = reshape(tape, ids, [count]);
      const matrix = [table.shape[0]!, width];
      return [
        (sum) => {
          const into = sum ? reshape(tape, sum, matrix) : zeros(tape, matrix);
          return reshape(tape, scatterAddRows(tape, into, flatIds, rows), table.shape);
        },
        null,
      ];
    },
  },
  /** Along the last axis. */
  GatherElements: {
    infer: (inputs, attributes) => {
      const [x, ids] = inputs as [Variable, Variable];
      const isLast = attributes.axis === -1 || attributes.axis === x.shape.length - 1;
      if (ids.type !== 'int64' || !isLast || !isSameShape(x.shape.slice(0, -1), ids.shape.slice(0, -1))) {
        throw new ShapeError(
          'GatherElements',
          inputs,
          'ids must be int64 and, but for the last axis, shaped as x',
        );
      }
      return [{ shape: ids.shape, type: x.type }];
    },
    gradient: (tape, { inputs }, [d]) => {
      const [x, ids] = inputs as [Variable, Variable];
      const attributes = { axis: x.shape.length - 1, reduction: 'add' };
      return [tape.node('ScatterElements', [zeros(tape, x.shape), ids, d!], attributes)[0]!, null];
    },
  },
  ScatterElements: scatter,
};
