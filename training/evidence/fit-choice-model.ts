/**
 * Fits the conditional logit of `shared/answering/choice-model.ts` by Newton's method.
 *
 *   w⁺ = u,  w⁻ = −u + v        u: what makes a statement true; v: what is different about negated stems
 *   loss = −Σ log P(key) + l2 · (|u|² + |v|²)
 *
 * Convex, so the result depends on nothing but the data. Features are centred over the choices of a question and
 * divided by their root mean square over all questions.
 */

export interface FitExample {
  /** [choices · features], raw. */
  rows: readonly (readonly number[])[];
  /** Index of the right choice. */
  key: number;
  negated: boolean;
}

export interface FittedWeights {
  /** Root mean square of each centred feature; 1 where a feature never differs. */
  scale: number[];
  positive: number[];
  negated: number[];
}

const maxIterations = 50;

export function fitChoiceModel(examples: readonly FitExample[], l2: number): FittedWeights {
  const width = examples[0]?.rows[0]?.length ?? 0;
  const centred = examples.map(({ rows, key, negated }) => ({ rows: centre(rows), key, negated }));
  const scale = rootMeanSquares(centred, width);
  for (const { rows } of centred)
    for (const row of rows)
      for (let j = 0; j < width; j++) row[j] = (row[j] as number) / (scale[j] as number);

  const params = new Float64Array(2 * width);
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    const { gradient, hessian } = lossDerivatives(centred, params, l2);
    const step = solveCholesky(hessian, gradient);
    let largest = 0;
    for (let j = 0; j < params.length; j++) {
      params[j] = (params[j] as number) - (step[j] as number);
      largest = Math.max(largest, Math.abs(step[j] as number));
    }
    if (largest < 1e-10) break;
  }
  const shared = [...params.subarray(0, width)];
  return { scale, positive: shared, negated: shared.map((u, j) => (params[width + j] as number) - u) };
}

interface Centred {
  rows: number[][];
  key: number;
  negated: boolean;
}

/** Loss, gradient [2·width] and Hessian [2·width, 2·width] at the parameters (u, v). */
export function lossDerivatives(
  examples: readonly Centred[],
  params: Float64Array,
  l2: number,
): { loss: number; gradient: Float64Array; hessian: Float64Array } {
  const size = params.length;
  const width = size / 2;
  const gradient = new Float64Array(size);
  const hessian = new Float64Array(size * size);
  let loss = 0;
  for (let j = 0; j < size; j++) {
    loss += l2 * (params[j] as number) ** 2;
    gradient[j] = 2 * l2 * (params[j] as number);
    hessian[j * size + j] = 2 * l2;
  }
  for (const { rows, key, negated } of examples) {
    // The row as the parameters see it: x for a positive stem, (−x, x) for a negated one.
    const seen = rows.map((row) =>
      negated ? [...row.map((x) => -x), ...row] : [...row, ...new Array<number>(width).fill(0)],
    );
    const scores = seen.map((row) => row.reduce((sum, x, j) => sum + x * (params[j] as number), 0));
    const highest = Math.max(...scores);
    const total = scores.reduce((sum, score) => sum + Math.exp(score - highest), 0);
    const probabilities = scores.map((score) => Math.exp(score - highest) / total);
    loss -= (scores[key] as number) - highest - Math.log(total);
    const expected = new Float64Array(size);
    for (const [i, row] of seen.entries())
      for (let j = 0; j < size; j++)
        expected[j] = (expected[j] as number) + (probabilities[i] as number) * (row[j] as number);
    for (let j = 0; j < size; j++)
      gradient[j] =
        (gradient[j] as number) + (expected[j] as number) - ((seen[key] as number[])[j] as number);
    for (const [i, row] of seen.entries()) {
      const p = probabilities[i] as number;
      for (let a = 0; a < size; a++) {
        const da = (row[a] as number) - (expected[a] as number);
        if (da === 0) continue;
        for (let b = 0; b < size; b++) {
          hessian[a * size + b] =
            (hessian[a * size + b] as number) + p * da * ((row[b] as number) - (expected[b] as number));
        }
      }
    }
  }
  return { loss, gradient, hessian };
}

/** Rows minus their mean; differences that are rounding errors of the mean are 0. */
export function centre(rows: readonly (readonly number[])[]): number[][] {
  const width = rows[0]?.length ?? 0;
  const means = Array.from(
    { length: width },
    (_, j) => rows.reduce((sum, row) => sum + (row[j] as number), 0) / rows.length,
  );
  return rows.map((row) =>
    row.map((value, j) => {
      const mean = means[j] as number;
      return Math.abs(value - mean) <= 1e-12 * Math.abs(mean) ? 0 : value - mean;
    }),
  );
}

function rootMeanSquares(examples: readonly Centred[], width: number): number[] {
  const sums = new Array<number>(width).fill(0);
  let count = 0;
  for (const { rows } of examples) {
    for (const row of rows) {
      count++;
      for (let j = 0; j < width; j++) sums[j] = (sums[j] as number) + (row[j] as number) ** 2;
    }
  }
  return sums.map((sum) => (sum > 0 ? Math.sqrt(sum / count) : 1));
}

/** Solves A x = b for a symmetric positive definite A [n, n]. */
export function solveCholesky(a: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j] as number;
      for (let k = 0; k < j; k++) sum -= (lower[i * n + k] as number) * (lower[j * n + k] as number);
      lower[i * n + j] = i === j ? Math.sqrt(sum) : sum / (lower[j * n + j] as number);
    }
  }
  const x = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = b[i] as number;
    for (let k = 0; k < i; k++) sum -= (lower[i * n + k] as number) * (x[k] as number);
    x[i] = sum / (lower[i * n + i] as number);
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = x[i] as number;
    for (let k = i + 1; k < n; k++) sum -= (lower[k * n + i] as number) * (x[k] as number);
    x[i] = sum / (lower[i * n + i] as number);
  }
  return x;
}
