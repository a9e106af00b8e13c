/** Round numbers for the axes of charts, and numbers as charts write them. */

export interface Axis {
  from: number;
  to: number;
  ticks: number[];
}

/** Four to eight steps of 1, 2 or 5 times a power of ten that hold the values. */
export function chartAxis(low: number, high: number): Axis {
  const span = high - low || Math.abs(high) || 1;
  const raw = span / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((it) => it * power >= raw) ?? 10);
  const [first, end] = [Math.floor(low / step), Math.max(Math.ceil(high / step), Math.floor(low / step) + 1)];
  // Multiples, not sums: no error adds up.
  const ticks = Array.from({ length: end - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
  return { from: first * step, to: end * step, ticks };
}

export function tickText(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 1e6 || size < 1e-3
    ? value.toExponential(0).replace('e+', 'e')
    : value.toLocaleString('en-US', { maximumFractionDigits: 9 });
}

/** Four digits that count; thousands whole. */
export function figureText(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  return size !== 0 && size < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}
