/** The blocks from primitives that have rules of their own: slow, and obvious. */
import {
  add,
  batchMatMul,
  concat,
  div,
  expand,
  gemm,
  mul,
  reduceMean,
  reshape,
  silu,
  slice,
  softmax,
  sqrt,
  sub,
  transpose,
} from '../../../training/autodiff/expressions.js';
import type { Tape } from '../../../training/autodiff/tape.js';
import type { Variable } from '../../../training/autodiff/variable.js';
import type { AttentionHeads } from '../../../training/blocks/causal-attention.js';

/** x `[T, in]`, weight `[out, in]`; everything else as in `linear`. */
export function plainLinear(
  tape: Tape,
  x: Variable,
  weight: Variable,
  {
    bias,
    residual,
    adapter,
  }: { bias?: Variable; residual?: Variable; adapter?: { a: Variable; b: Variable; scale: number } },
): Variable {
  const times = (y: Variable, matrix: Variable) => gemm(tape, y, transpose(tape, matrix, [1, 0]));
  let y = times(x, weight);
  if (bias) y = add(tape, y, bias);
  if (residual) y = add(tape, y, residual);
  if (adapter) y = add(tape, y, mul(tape, times(times(x, adapter.a), adapter.b), adapter.scale));
  return y;
}

export function plainRmsNorm(tape: Tape, x: Variable, weight: Variable, epsilon: number): Variable {
  const meanSquare = reduceMean(tape, mul(tape, x, x), [-1], true);
  return mul(tape, div(tape, x, sqrt(tape, add(tape, meanSquare, epsilon))), weight);
}

/** x `[rows, heads, length, d]`, cos and sin `[length, d / 2]`. */
export function plainRotate(tape: Tape, x: Variable, cos: Variable, sin: Variable): Variable {
  const half = x.shape[3]! / 2;
  const [a, b] = [slice(tape, x, 3, 0, half), slice(tape, x, 3, half, 2 * half)];
  const turned = [
    sub(tape, mul(tape, a, cos), mul(tape, b, sin)),
    add(tape, mul(tape, b, cos), mul(tape, a, sin)),
  ];
  return concat(tape, turned, 3);
}

export function plainGatedSilu(tape: Tape, gateUp: Variable): Variable {
  const size = gateUp.shape[1]! / 2;
  const [gate, up] = [slice(tape, gateUp, 1, 0, size), slice(tape, gateUp, 1, size, 2 * size)];
  return mul(tape, silu(tape, gate), up);
}

/**
 * Attention over whole matrices of scores, keys and values repeated for each head of their group.
 * @param visible whether a query of a row sees a key
 */
export function plainAttention(
  tape: Tape,
  qkv: Variable,
  { nHead, nKvHead, headDim }: AttentionHeads,
  { rows, length, cos, sin }: { rows: number; length: number; cos: Variable; sin: Variable },
  visible: (row: number, query: number, key: number) => boolean,
): Variable {
  const heads = (from: number, count: number) => {
    const part = slice(tape, qkv, 1, from * headDim, (from + count) * headDim);
    return transpose(tape, reshape(tape, part, [rows, length, count, headDim]), [0, 2, 1, 3]);
  };
  const repeated = (x: Variable) => {
    const group = nHead / nKvHead;
    const apart = expand(tape, reshape(tape, x, [rows, nKvHead, 1, length, headDim]), [
      ...[rows, nKvHead, group, length, headDim],
    ]);
    return reshape(tape, apart, [rows, nHead, length, headDim]);
  };
  const query = plainRotate(tape, heads(0, nHead), cos, sin);
  const key = repeated(plainRotate(tape, heads(nHead, nKvHead), cos, sin));
  const value = repeated(heads(nHead + nKvHead, nKvHead));
  const mask = new Float32Array(rows * length * length);
  for (let i = 0; i < mask.length; i++) {
    const [row, rest] = [Math.floor(i / length ** 2), i % length ** 2];
    mask[i] = visible(row, Math.floor(rest / length), rest % length) ? 0 : -1e9;
  }
  const scores = mul(tape, batchMatMul(tape, query, key, { transB: true }), 1 / Math.sqrt(headDim));
  const weights = softmax(tape, add(tape, scores, tape.constant([rows, 1, length, length], mask)));
  const out = transpose(tape, batchMatMul(tape, weights, value), [0, 2, 1, 3]);
  return reshape(tape, out, [rows * length, nHead * headDim]);
}
