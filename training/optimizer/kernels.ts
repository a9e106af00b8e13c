/**
 * What the optimizer does to whole tensors, as WebAssembly SIMD: each kernel is one pass over memory.
 *
 * A kernel is written as its formula over `f32x4` vectors, in the order in which it computes; every operation rounds
 * to float32 at once, so plain JavaScript with `Math.fround` gives the same bits. Pointers (`i32`) are addresses in
 * the memory, multiples of 64, and `bytes` is a multiple of 64 (`over-vectors.ts`).
 *
 * To add one, say Lion (Chen et al. 2023: w −= η (sign(β₁m + (1−β₁)g) + λw), m = β₂m + (1−β₂)g):
 *   1. write it here with `defineFunction`, its scalars as `f32` parameters that `splat` spreads over a vector;
 *   2. add the instructions it lacks to `assembler/instructions.ts`, a line each (for sign(x), whose value at 0 is 0:
 *      two comparisons with 0, which leave all bits or none, and `bitAnd` with 1 and with −1);
 *   3. list it in `kernels`: its name and its parameters' names are then how TypeScript calls it;
 *   4. write the class that calls it as `adamw.ts` does, and the same formula with `Math.fround` in its test.
 */
import { type DeclareLocal, defineFunction } from './assembler/define-function.js';
import { type Expression, f32x4, f64, f64x2, type Statement } from './assembler/instructions.js';
import { overVectors, VECTORS_PER_ROUND } from './over-vectors.js';

const { add, anyBit, bitOr, constant, divide, multiply, splat, sqrt, subtract } = f32x4;

/** Values that a loop needs in every round, computed once before it into variables of their own. */
function keep<K extends string>(
  values: Readonly<Record<K, Expression<'f32x4'>>>,
  local: DeclareLocal,
): { kept: Readonly<Record<K, Expression<'f32x4'>>>; statements: readonly Statement[] } {
  const kept = Object.entries<Expression<'f32x4'>>(values).map(([name, value]) => {
    const variable = local('f32x4');
    return { name, value: variable.value, statement: variable.set(value) };
  });
  return {
    kept: Object.fromEntries(kept.map(({ name, value }) => [name, value])) as Record<K, Expression<'f32x4'>>,
    statements: kept.map(({ statement }) => statement),
  };
}

/**
 * Subnormal numbers (below 2⁻¹²⁶) cost processors more than 100 cycles an operation, and AdamW makes them: the
 * moments of a token that no longer occurs shrink by β each step until they are subnormal, and the squares of
 * gradients below 10⁻¹⁹ begin so. A step over such numbers was measured at 40 times the usual. Three additions keep
 * them out; with an ε of 10⁻⁸ they move √v̂ + ε by less than its last bit:
 *
 * - the gradient gets 2⁻⁵² before it is squared, so the second moment stays above 2⁻¹⁰⁴ (1−β₂);
 * - the first moment gets 2⁻⁶⁷ added and taken away again, which rounds it to a multiple of 2⁻⁹⁰. One that is 0
 *   stays so without a gradient, and so does its weight; another comes to rest below 2⁻⁹⁰ / (1−β₁).
 */
const GRADIENT_FLOOR = 2 ** -52;
const MOMENT_ROUNDING = 2 ** -67;

/**
 * AdamW (Loshchilov and Hutter 2019, algorithm 2; PyTorch's `torch.optim.AdamW`), everything in one pass:
 *
 *     g = gradientScale · gradient
 *     m = m + (1−β₁)(g − m)
 *     v = β₂v + (1−β₂)g²
 *     w = w − (decay · w + stepSize · m / (√v + ε̂))
 *
 * The bias corrections 1−β₁ᵗ and 1−β₂ᵗ are in the scalars: stepSize = η √(1−β₂ᵗ) / (1−β₁ᵗ) and
 * ε̂ = ε √(1−β₂ᵗ), which is η m̂ / (√v̂ + ε) with numerator and denominator multiplied by √(1−β₂ᵗ). Decay (ηλ) and step
 * are added up before they meet the weight: 1 − ηλ as a float32 has few digits of ηλ, or none.
 */
const adamW = defineFunction(
  {
    parameters: 'i32',
    gradients: 'i32',
    firstMoments: 'i32',
    secondMoments: 'i32',
    bytes: 'i32',
    gradientScale: 'f32',
    oneMinusBeta1: 'f32',
    beta2: 'f32',
    oneMinusBeta2: 'f32',
    stepSize: 'f32',
    epsilon: 'f32',
    decay: 'f32',
  },
  'nothing',
  ({ parameters, gradients, firstMoments, secondMoments, bytes, ...scalars }, local) => {
    const { kept, statements } = keep(
      {
        gradientScale: splat(scalars.gradientScale.value),
        oneMinusBeta1: splat(scalars.oneMinusBeta1.value),
        beta2: splat(scalars.beta2.value),
        oneMinusBeta2: splat(scalars.oneMinusBeta2.value),
        stepSize: splat(scalars.stepSize.value),
        epsilon: splat(scalars.epsilon.value),
        decay: splat(scalars.decay.value),
        gradientFloor: constant(GRADIENT_FLOOR),
        momentRounding: constant(MOMENT_ROUNDING),
      },
      local,
    );
    const g = local('f32x4');
    const m = local('f32x4');
    const v = local('f32x4');
    const w = local('f32x4');
    const step = divide(multiply(kept.stepSize, m.value), add(sqrt(v.value), kept.epsilon));
    const loop = overVectors(bytes, local, ({ load, store }) => [
      g.set(multiply(load(gradients), kept.gradientScale)),

      m.set(load(firstMoments)),
      m.set(add(m.value, multiply(kept.oneMinusBeta1, subtract(g.value, m.value)))),
      m.set(subtract(add(m.value, kept.momentRounding), kept.momentRounding)),
      store(firstMoments, m.value),

      g.set(add(g.value, kept.gradientFloor)),
      v.set(multiply(kept.beta2, load(secondMoments))),
      v.set(add(v.value, multiply(multiply(kept.oneMinusBeta2, g.value), g.value))),
      store(secondMoments, v.value),

      w.set(load(parameters)),
      store(parameters, subtract(w.value, add(multiply(kept.decay, w.value), step))),
    ]);
    return { statements: [...statements, loop], result: null };
  },
);

/**
 * Σ x² in float64, in which the square of a float32 is exact and neither overflows nor underflows: the sum is
 * finite exactly where every number is. 16 sums side by side, number i in sum i mod 16, added up at the end.
 */
const sumOfSquares = defineFunction({ values: 'i32', bytes: 'i32' }, 'f64', ({ values, bytes }, local) => {
  const sums = Array.from({ length: VECTORS_PER_ROUND }, () => [local('f64x2'), local('f64x2')] as const);
  const x = local('f64x2');
  const loop = overVectors(bytes, local, ({ index, loadPair }) =>
    ([0, 1] as const).flatMap((pair) => {
      const sum = sums[index]![pair];
      return [
        x.set(f64x2.promoteLow(loadPair(values, pair))),
        sum.set(f64x2.add(sum.value, f64x2.multiply(x.value, x.value))),
      ];
    }),
  );
  const total = local('f64x2');
  const addUp = sums.flat().map((sum) => total.set(f64x2.add(total.value, sum.value)));
  return {
    statements: [loop, ...addUp],
    result: f64.add(f64x2.lane(total.value, 0), f64x2.lane(total.value, 1)),
  };
});

/** target = factor · source. They may be the same tensor. */
const scale = defineFunction(
  { target: 'i32', source: 'i32', bytes: 'i32', factor: 'f32' },
  'nothing',
  ({ target, source, bytes, factor }, local) => {
    const { kept, statements } = keep({ factor: splat(factor.value) }, local);
    const loop = overVectors(bytes, local, ({ load, store }) => [
      store(target, multiply(load(source), kept.factor)),
    ]);
    return { statements: [...statements, loop], result: null };
  },
);

/** target = target + factor · source. */
const addScaled = defineFunction(
  { target: 'i32', source: 'i32', bytes: 'i32', factor: 'f32' },
  'nothing',
  ({ target, source, bytes, factor }, local) => {
    const { kept, statements } = keep({ factor: splat(factor.value) }, local);
    const loop = overVectors(bytes, local, ({ load, store }) => [
      store(target, add(load(target), multiply(load(source), kept.factor))),
    ]);
    return { statements: [...statements, loop], result: null };
  },
);

/** 1 where any number is infinite or NaN, else 0: x − x is +0, all bits clear, for every other number. */
const hasNonFinite = defineFunction({ values: 'i32', bytes: 'i32' }, 'i32', ({ values, bytes }, local) => {
  const bits = local('f32x4');
  const x = local('f32x4');
  const loop = overVectors(bytes, local, ({ load }) => [
    x.set(load(values)),
    bits.set(bitOr(bits.value, subtract(x.value, x.value))),
  ]);
  return { statements: [loop], result: anyBit(bits.value) };
});

export const kernels = { adamW, sumOfSquares, scale, addScaled, hasNonFinite };
