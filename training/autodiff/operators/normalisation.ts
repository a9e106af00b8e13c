/** Softmax over the last axis, and the runtime's normalisations (whose gradients blocks write by hand). */
import { exp, mul, reduceSum, sub } from '../expressions.js';
import type { Operator, OperatorTable } from '../operator.js';
import { isSameShape, ShapeError } from '../shape.js';
import type { Variable } from '../variable.js';

const elementwise: Operator['infer'] = ([x]) => [{ shape: x!.shape, type: 'float32' }];

export const normalisationOperators: OperatorTable = {
  Softmax: {
    infer: elementwise,
    gradient: (tape, { outputs }, [d]) => {
      const [y] = outputs as [Variable];
      const weighted = mul(tape, d!, y);
      return [sub(tape, weighted, mul(tape, y, reduceSum(tape, weighted, [-1], true)))];
    },
  },
  LogSoftmax: {
    infer: elementwise,
    gradient: (tape, { outputs }, [d]) => {
      const [y] = outputs as [Variable];
      return [sub(tape, d!, mul(tape, exp(tape, y), reduceSum(tape, d!, [-1], true)))];
    },
  },
  /** RMSNorm of x `[…, D]` by weight `[D]`: y, and 1 / rms `[…, 1]`. */
  SimplifiedLayerNormalization: {
    infer: (inputs) => {
      const [x, weight] = inputs as [Variable, Variable];
      if (!isSameShape(weight.shape, x.shape.slice(-1))) {
        throw new ShapeError(
          'SimplifiedLayerNormalization',
          inputs,
          'the weight must have the size of the last axis',
        );
      }
      const scale = { shape: [...x.shape.slice(0, -1), 1], type: 'float32' } as const;
      return [{ shape: x.shape, type: 'float32' }, scale];
    },
  },
  /** x `[rows, length, heads · d]`, positions int64 `[1]` (of the first token), cos and sin `[positions, d/2]`. */
  RotaryEmbedding: {
    domain: 'com.microsoft',
    infer: (inputs) => {
      const [x, positions, cos, sin] = inputs as [Variable, Variable, Variable, Variable];
      if (positions.type !== 'int64' || !isSameShape(cos.shape, sin.shape) || cos.shape.length !== 2) {
        throw new ShapeError(
          'RotaryEmbedding',
          inputs,
          'positions must be int64, cos and sin matrices of one shape',
        );
      }
      return [{ shape: x.shape, type: 'float32' }];
    },
  },
};
