/** All operators that a training graph may be made of. */
import type { Operator, OperatorTable } from './operator.js';
import { elementwiseOperators } from './operators/elementwise.js';
import { indexingOperators } from './operators/indexing.js';
import { matrixOperators } from './operators/matrix.js';
import { nativeOperators } from './operators/native.js';
import { normalisationOperators } from './operators/normalisation.js';
import { reductionOperators } from './operators/reduction.js';
import { shapingOperators } from './operators/shaping.js';

const tables: readonly OperatorTable[] = [
  elementwiseOperators,
  indexingOperators,
  matrixOperators,
  nativeOperators,
  normalisationOperators,
  reductionOperators,
  shapingOperators,
];

export const operatorTable: ReadonlyMap<string, Operator> = new Map(
  tables.flatMap((table) => Object.entries(table)),
);
