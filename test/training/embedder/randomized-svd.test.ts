import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { gaussian } from '../../../training/embedder/gaussian.js';
import { randomizedSvd } from '../../../training/embedder/randomized-svd.js';
import type { SparseMatrix } from '../../../training/embedder/sparse-matrix.js';
import { buildTfidf } from '../../../training/embedder/tfidf.js';

interface Reference {
  documents: number[][];
  vocabSize: number;
  idf: number[];
  tfidf: number[][];
  singularValues: number[];
  rank: number;
  projector: number[][];
}

const reference = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../reference/svd_tfidf.json'), 'utf8'),
) as Reference;

function sparse(dense: readonly (readonly number[])[]): SparseMatrix {
  const col: number[] = [];
  const value: number[] = [];
  const rowStart = [0];
  for (const row of dense) {
    row.forEach((x, j) => {
      if (x !== 0) {
        col.push(j);
        value.push(x);
      }
    });
    rowStart.push(col.length);
  }
  return {
    rows: dense.length,
    cols: dense[0]!.length,
    rowStart: Uint32Array.from(rowStart),
    col: Uint32Array.from(col),
    value: Float32Array.from(value),
  };
}

function largestError(actual: Iterable<number>, expected: readonly number[]): number {
  return Math.max(...[...actual].map((x, i) => Math.abs(x - expected[i]!)));
}

/** Entry (i, j) of V Vᵀ. */
function projectorEntry(v: Float64Array, rank: number, i: number, j: number): number {
  let sum = 0;
  for (let k = 0; k < rank; k++) {
    sum += v[i * rank + k]! * v[j * rank + k]!;
  }
  return sum;
}

t.test('TF-IDF is scikit-learn’s, an empty document included', async (t) => {
  const { matrix, idf } = buildTfidf(reference.documents, { vocabSize: reference.vocabSize });
  t.ok(largestError(idf, reference.idf) < 1e-12);
  const dense = reference.documents.map(() => new Array<number>(reference.vocabSize).fill(0));
  for (let i = 0; i < matrix.rows; i++) {
    for (let e = matrix.rowStart[i]!; e < matrix.rowStart[i + 1]!; e++) {
      dense[i]![matrix.col[e]!] = matrix.value[e]!;
    }
  }
  // Values are stored as float32.
  t.ok(dense.every((row, i) => largestError(row, reference.tfidf[i]!) < 1e-7));
});

t.test('TF-IDF leaves out rare tokens on request and refuses ids outside the vocabulary', async (t) => {
  const { matrix } = buildTfidf([[0, 1, 1], [1]], { vocabSize: 3, minDocFreq: 2 });
  t.same([...matrix.col], [1, 1]);
  t.same([...matrix.value], [1, 1]);
  t.throws(() => buildTfidf([[3]], { vocabSize: 3 }), /token 3 is outside/);
});

t.test('singular values and the leading subspace are numpy’s', async (t) => {
  const { rank } = reference;
  const quick = randomizedSvd(sparse(reference.tfidf), { rank, seed: 1 });
  t.ok(
    quick.singularValues.every((sigma, k) => Math.abs(sigma / reference.singularValues[k]! - 1) < 1e-3),
    'three power iterations, the default, are enough for three digits of values that fall this slowly',
  );
  const exact = { rank, seed: 1, powerIterations: 20 };
  const { singularValues, v } = randomizedSvd(sparse(reference.tfidf), exact);
  t.ok(
    singularValues.every((sigma, k) => Math.abs(sigma / reference.singularValues[k]! - 1) < 1e-7),
    'many agree to the float32 precision of the input',
  );
  const errors = reference.projector.map((row, i) =>
    largestError(
      row.map((_, j) => projectorEntry(v, rank, i, j)),
      row,
    ),
  );
  // The input's float32 rounding, over the gap of 2 % after the 8th singular value.
  t.ok(Math.max(...errors) < 1e-5, `largest error ${Math.max(...errors)}`);
});

t.test('V has orthonormal columns whose largest entry is positive', async (t) => {
  const { rank } = reference;
  const { v } = randomizedSvd(sparse(reference.tfidf), { rank, seed: 5, powerIterations: 1 });
  for (let a = 0; a < rank; a++) {
    const column = Array.from({ length: reference.vocabSize }, (_, i) => v[i * rank + a]!);
    const extreme = column.reduce((x, y) => (Math.abs(y) > Math.abs(x) ? y : x));
    t.ok(extreme > 0);
    for (let b = a; b < rank; b++) {
      const dot = column.reduce((sum, x, i) => sum + x * v[i * rank + b]!, 0);
      t.ok(Math.abs(dot - (a === b ? 1 : 0)) < 1e-10);
    }
  }
});

t.test('a seed gives the same numbers again, another seed the same vectors but for rounding', async (t) => {
  const a = sparse(reference.tfidf);
  const first = randomizedSvd(a, { rank: 3, seed: 1, powerIterations: 20 });
  t.same(randomizedSvd(a, { rank: 3, seed: 1, powerIterations: 20 }), first);
  const other = randomizedSvd(a, { rank: 3, seed: 2, powerIterations: 20 });
  t.notSame(other.v, first.v);
  t.ok(largestError(other.v, [...first.v]) < 1e-4);
});

t.test('a matrix of lower rank than asked for has zeros at the end, not noise', async (t) => {
  const a = sparse([
    [3, 0, 0, 0],
    [0, 2, 0, 0],
    [3, 2, 0, 0],
    [0, 0, 0, 0],
  ]);
  const { singularValues, v } = randomizedSvd(a, { rank: 4, seed: 1 });
  // AᵀA = [[18, 6], [6, 8]]: eigenvalues 13 ± √61.
  t.ok(Math.abs(singularValues[0]! - Math.sqrt(13 + Math.sqrt(61))) < 1e-9);
  t.ok(Math.abs(singularValues[1]! - Math.sqrt(13 - Math.sqrt(61))) < 1e-9);
  t.same([...singularValues.slice(2)], [0, 0]);
  t.ok([...v].every(Number.isFinite));
  const zero = randomizedSvd(sparse([[0, 0]]), { rank: 2, seed: 1 });
  t.same([...zero.singularValues, ...zero.v], [0, 0, 0, 0, 0, 0]);
  t.throws(() => randomizedSvd(a, { rank: 0, seed: 1 }), RangeError);
});

t.test('the generator is seeded and standard normal', async (t) => {
  const normal = gaussian(3);
  const values = Array.from({ length: 20_000 }, normal);
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  const within = values.filter((x) => Math.abs(x) < 1).length / values.length;
  t.ok(Math.abs(mean) < 0.03 && Math.abs(variance - 1) < 0.04 && Math.abs(within - 0.6827) < 0.015);
  const again = gaussian(3);
  t.same(
    values.slice(0, 5),
    Array.from({ length: 5 }, () => again()),
  );
});
