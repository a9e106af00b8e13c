/**
 * A linear layer y = x·Wᵀ + b of x `[T, in]`, W `[out, in]`, with what else is added to its output:
 *
 *   y = x·Wᵀ + b + residual + s · (x·Aᵀ)·Bᵀ        A [r, in], B [out, r]: a low-rank adapter
 *
 * The sums are made by the products themselves (their C), so that neither a residual stream nor an adapter costs
 * a pass over the output. The adapter comes last: where B = 0 the output has the bits of the layer without it.
 *
 *   dx = dy·W + (s · dy·B)·A     dW = dyᵀ·x     db = Σ dy     dA = (s · dy·B)ᵀ·x     dB = s · dyᵀ·(x·Aᵀ)
 */
import { add, gemm, reduceSum } from '../autodiff/expressions.js';
import type { Tape } from '../autodiff/tape.js';
import type { Variable } from '../autodiff/variable.js';

export interface LinearAdapter {
  /** `[r, in]` */
  a: Variable;
  /** `[out, r]` */
  b: Variable;
  scale: number;
}

export interface LinearOptions {
  /** `[out]` */
  bias?: Variable | null;
  /** `[T, out]`, added to the output. */
  residual?: Variable | null;
  adapter?: LinearAdapter | null;
}

export function linear(tape: Tape, x: Variable, weight: Variable, options: LinearOptions = {}): Variable {
  const { bias = null, residual = null, adapter = null } = options;
  let low: Variable | undefined;
  const forward = () => {
    let y = gemm(tape, x, weight, { transB: true, c: residual ?? bias });
    if (bias && residual) y = add(tape, y, bias);
    if (!adapter) return y;
    low = gemm(tape, x, adapter.a, { transB: true });
    return gemm(tape, low, adapter.b, { transB: true, alpha: adapter.scale, c: y });
  };
  const backward = (dy: Variable) => {
    const dLow =
      adapter && (x.requiresGrad || adapter.a.requiresGrad)
        ? gemm(tape, dy, adapter.b, { alpha: adapter.scale })
        : null;
    const byWeight = x.requiresGrad ? gemm(tape, dy, weight) : null;
    return [
      byWeight && adapter ? gemm(tape, dLow!, adapter.a, { c: byWeight }) : byWeight,
      weight.requiresGrad ? gemm(tape, dy, x, { transA: true }) : null,
      bias?.requiresGrad ? reduceSum(tape, dy, [0]) : null,
      dy,
      adapter?.a.requiresGrad ? gemm(tape, dLow!, x, { transA: true }) : null,
      adapter?.b.requiresGrad ? gemm(tape, dy, low!, { transA: true, alpha: adapter.scale }) : null,
    ];
  };
  const inputs = [x, weight, bias, residual, adapter?.a ?? null, adapter?.b ?? null];
  return tape.block('Linear', inputs, forward, backward);
}
