/**
 * Deals documents to the splits: a hash of seed and id, uniform in 0..1, below the share for validation is validation,
 * below that and the share for calibration is calibration, else train. So a document stays where it is, whatever
 * others come or go.
 *
 * But no split that has a share stays empty where there are documents for each: validation takes the document with
 * the lowest hash, calibration the next, train the highest. Only such a document moves when others come.
 */
import { createHash } from 'node:crypto';
import type { Split } from '../../formats/qa-pair.js';

export interface SplitShares {
  /** Of the documents, 0..1; the rest is train. */
  calibration: number;
  validation: number;
}

export function splitDocuments(
  documentIds: Iterable<string>,
  { calibration, validation }: SplitShares,
  seed: number,
): Map<string, Split> {
  const documents = [...new Set(documentIds)]
    .map((id) => ({ id, at: hashOf(id, seed) }))
    .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  // In order of their hash the splits are runs: first validation, then calibration, then train.
  const below = (share: number) => documents.filter(({ at }) => at < share).length;
  const wanted = [validation > 0, calibration > 0, validation + calibration < 1].filter(Boolean).length;
  const atLeast = (share: number) => (share > 0 && documents.length >= wanted ? 1 : 0);
  const lastForTrain = validation + calibration < 1 ? atLeast(1) : 0;
  const most = documents.length - lastForTrain;
  const validationEnd = Math.min(
    Math.max(below(validation), atLeast(validation)),
    most - atLeast(calibration),
  );
  const calibrationEnd = Math.min(
    Math.max(below(validation + calibration), validationEnd + atLeast(calibration)),
    most,
  );
  return new Map(
    documents.map(({ id }, rank) => [
      id,
      rank < validationEnd ? 'validation' : rank < calibrationEnd ? 'calibration' : 'train',
    ]),
  );
}

/** Uniform in 0..1. */
function hashOf(id: string, seed: number): number {
  const hash = createHash('sha256').update(`split\n${seed}\n${id}`).digest();
  return hash.readUIntBE(0, 6) / 2 ** 48;
}
