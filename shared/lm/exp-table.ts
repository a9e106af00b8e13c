/**
 * eˣ for x ≤ 0 by a table and a cubic: |relative error| < 2e-10, a quarter of the time of `Math.exp`, and the same
 * on every machine. A softmax over 150,000 tokens a step is all exponentials: 2.3 ms with `Math.exp`.
 *
 * x = −i/64 + r with |r| ≤ 1/128:  eˣ = T[i] · (1 + r + r²/2 + r³/6).  Below −40 it is 0: 150,000 such terms are
 * less than a millionth of a millionth of the largest.
 */
const resolution = 64;
const lowest = -40;
const table = Float64Array.from({ length: -lowest * resolution + 2 }, (_, i) => Math.exp(-i / resolution));

export function expNegative(x: number): number {
  if (!(x > lowest)) return 0;
  const i = (-x * resolution + 0.5) | 0;
  const r = x + i / resolution;
  return table[i]! * (1 + r * (1 + r * (0.5 + r * (1 / 6))));
}
