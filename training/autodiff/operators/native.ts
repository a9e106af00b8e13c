/**
 * Operators of our addon (`native/lm`), which compute a whole block and its gradient each. They have no rule here:
 * the blocks that use them (training/blocks) pair them by hand.
 */
import type { Inputs, Operator, OperatorTable } from '../operator.js';
import { isSameShape, ShapeError } from '../shape.js';
import type { Variable } from '../variable.js';

type Shapes = readonly number[][];

/** An operator whose outputs are float32 of the shapes that `shapes` gives, or a reason why the inputs do not fit. */
function native(
  operator: string,
  shapes: (inputs: readonly Variable[], attributes: Readonly<Record<string, unknown>>) => Shapes | string,
): Operator {
  return {
    domain: 'haetae',
    infer: (inputs: Inputs, attributes) => {
      const found = shapes(inputs as readonly Variable[], attributes);
      if (typeof found === 'string') throw new ShapeError(operator, inputs, found);
      return found.map((shape) => ({ shape, type: 'float32' }));
    },
  };
}

const isMatrix = (x: Variable) => x.shape.length === 2;

function attentionSizes(qkv: Variable, visibleFrom: Variable, attributes: Readonly<Record<string, unknown>>) {
  const heads = Number(attributes.num_heads);
  const kvHeads = Number(attributes.kv_num_heads);
  const headDim = qkv.shape[1]! / (heads + 2 * kvHeads);
  const [rows, length] = visibleFrom.shape as [number, number];
  const fits =
    isMatrix(qkv) && isMatrix(visibleFrom) && visibleFrom.type === 'int32' && rows * length === qkv.shape[0];
  return fits && Number.isInteger(headDim) && heads % kvHeads === 0 ? { heads, headDim, rows, length } : null;
}

const attentionReason =
  'qkv must be [rows · length, (heads + 2 · kv heads) · head size], visible_from int32 [rows, length]';

export const nativeOperators: OperatorTable = {
  /** qkv, cos, sin, visible_from → out `[T, heads · d]`, lse `[rows, heads, length]`. */
  CausalAttention: native('CausalAttention', ([qkv, , , visibleFrom], attributes) => {
    const sizes = attentionSizes(qkv!, visibleFrom!, attributes);
    if (!sizes) return attentionReason;
    const { heads, headDim, rows, length } = sizes;
    return [
      [rows * length, heads * headDim],
      [rows, heads, length],
    ];
  }),
  /** dOut, qkv, out, lse, cos, sin, visible_from → dQkv. */
  CausalAttentionGrad: native('CausalAttentionGrad', ([dOut, qkv, out, , , , visibleFrom], attributes) => {
    const sizes = attentionSizes(qkv!, visibleFrom!, attributes);
    if (!sizes) return attentionReason;
    return isSameShape(dOut!.shape, out!.shape) ? [[...qkv!.shape]] : 'dOut and out differ';
  }),
  /** x `[T, D]`, weight `[D]` → y, 1 / rms `[T, 1]`. */
  RmsNorm: native('RmsNorm', ([x, weight]) =>
    isMatrix(x!) && isSameShape(weight!.shape, [x!.shape[1]!])
      ? [[...x!.shape], [x!.shape[0]!, 1]]
      : 'x must be a matrix, the weight as wide',
  ),
  /** dy, x, weight, 1 / rms → dx, dw. */
  RmsNormGrad: native('RmsNormGrad', ([dy, x, weight]) =>
    isMatrix(x!) && isSameShape(dy!.shape, x!.shape)
      ? [[...x!.shape], [...weight!.shape]]
      : 'dy and x differ',
  ),
  /** gateUp `[T, 2F]` → silu(gate) · up `[T, F]`. */
  GatedSilu: native('GatedSilu', ([gateUp]) =>
    isMatrix(gateUp!) && gateUp!.shape[1]! % 2 === 0
      ? [[gateUp!.shape[0]!, gateUp!.shape[1]! / 2]]
      : 'gateUp must be a matrix of even width',
  ),
  /** dy `[T, F]`, gateUp `[T, 2F]` → dGateUp. */
  GatedSiluGrad: native('GatedSiluGrad', ([dy, gateUp]) =>
    isMatrix(gateUp!) && isSameShape([dy!.shape[0]!, 2 * dy!.shape[1]!], gateUp!.shape)
      ? [[...gateUp!.shape]]
      : 'gateUp must be twice as wide as dy',
  ),
  /** logits `[C, V]`, labels int64 `[C]`, weights `[C, 1]` → loss `[C, 1]`, dLogits. */
  SoftmaxCrossEntropy: native('SoftmaxCrossEntropy', ([logits, labels, weights]) => {
    const tokens = logits!.shape[0]!;
    const fits = isMatrix(logits!) && labels!.type === 'int64' && isSameShape(labels!.shape, [tokens]);
    return fits && isSameShape(weights!.shape, [tokens, 1])
      ? [[tokens, 1], [...logits!.shape]]
      : 'labels must be int64 [C], weights [C, 1]';
  }),
  /** Student logits, teacher logits `[C, V]`, weights `[C, 1]`, alpha `[C, 1]` → loss `[C, 1]`, dLogits. */
  Divergence: native('Divergence', ([student, teacher, weights, alpha]) => {
    const perToken = [student!.shape[0]!, 1];
    if (!isSameShape(student!.shape, teacher!.shape)) return 'student and teacher differ';
    return isSameShape(weights!.shape, perToken) && isSameShape(alpha!.shape, perToken)
      ? [perToken, [...student!.shape]]
      : 'weights and alpha must be [C, 1]';
  }),
  /** ids int64 `[T]`, d `[T, D]`, base `[V, D]` → base with each row of d added to the row its id names. */
  EmbeddingGrad: native('EmbeddingGrad', ([ids, d, base]) =>
    ids!.type === 'int64' && isSameShape(d!.shape, [ids!.shape[0]!, base!.shape[1]!])
      ? [[...base!.shape]]
      : 'ids must be int64 [T], d [T, D], the base [V, D]',
  ),
};
