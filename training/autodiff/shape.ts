/** Shapes of variables, and the errors that name an operator and the shapes it was given. */
import type { Variable } from './variable.js';

export type Shape = readonly number[];

/** The graph is put together wrongly: a mistake of the program, found while it is built. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';

  constructor(operator: string, inputs: readonly (Pick<Variable, 'shape'> | null)[], reason: string) {
    super(`${operator}(${inputs.map((it) => (it ? formatShape(it.shape) : '-')).join(', ')}): ${reason}`);
  }
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

export function isSameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

/** The shape of an elementwise result by NumPy's rule, or null where the shapes do not go together. */
export function broadcastShapes(shapes: readonly Shape[]): number[] | null {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    const offset = rank - shape.length;
    for (const [i, size] of shape.entries()) {
      const at = offset + i;
      if (size === 1 || size === result[at]) continue;
      if (result[at] !== 1) return null;
      result[at] = size;
    }
  }
  return result;
}

/** Axes, negative ones counted from the end, as ascending non-negative numbers; null where one does not exist. */
export function normalizeAxes(axes: readonly number[], rank: number): number[] | null {
  const positive = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  const isValid = positive.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < rank);
  return isValid && new Set(positive).size === axes.length ? positive.sort((a, b) => a - b) : null;
}

/** The shape after a reduction over `axes` (ascending, non-negative). */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): number[] {
  return keepDims
    ? shape.map((size, i) => (axes.includes(i) ? 1 : size))
    : shape.filter((_, i) => !axes.includes(i));
}
