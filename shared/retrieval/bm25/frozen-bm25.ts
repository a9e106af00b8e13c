/**
 * A learnt BM25 as a sparse matrix (the bm25s idea): column = term, row = document, entry = what the term adds to
 * the document's score, computed when the index is built (compressed sparse columns):
 *
 *     score(d, t) = idf(t) · tf·(k1 + 1) / (tf + k1·(1 − b + b·|d| / avgdl)),   idf(t) = ln(k + (N − df + ½)/(df + ½))
 *
 * as `wink-bm25-text-search` computes it; with k = 1 that is Lucene's formula times (k1 + 1).
 */
import { HaetaeError } from '../../errors.js';

export interface Bm25Params {
  /** Saturation of term frequency, ≥ 0. */
  k1: number;
  /** Strength of length normalisation, 0..1. */
  b: number;
  /** Smoothing inside the idf's logarithm, ≥ 1: every weight is positive. */
  k: number;
}

/** Chosen on article recall: short, repetitive statute text saturates early, so k1 is below the usual 1.2. */
export const defaultBm25Params: Readonly<Bm25Params> = { k1: 0.6, b: 0.75, k: 1 };

export interface FrozenBm25 {
  params: Bm25Params;
  /** `tokenizerVersion` of the terms. */
  tokenizerVersion: string;
  docCount: number;
  /** Column names (`fieldTerm`), packed. */
  units: Uint16Array;
  bounds: Uint32Array;
  /** Entries of column t: `indptr[t] .. indptr[t + 1]`. [terms + 1] */
  indptr: Uint32Array;
  /** Row of each entry, ascending within a column; 16 bits where they suffice. [entries] */
  rows: Uint16Array | Uint32Array;
  /** 1e-10..1e10. [entries] */
  scores: Float32Array;
  /** Terms of each document, both fields. [docCount] */
  docLengths: Float32Array;
}

function invalid(what: string): never {
  throw new HaetaeError('INDEX_INVALID', `The BM25 index is damaged: ${what}. Build the index again.`);
}

/** Checks everything a search relies on, once, at load; throws INDEX_INVALID. */
export function validateFrozen(frozen: FrozenBm25): void {
  const { docCount, bounds, indptr, rows, scores, docLengths } = frozen;
  if (!Number.isInteger(docCount) || docCount < 0) invalid(`${docCount} documents`);
  if (docLengths.length !== docCount) invalid(`${docLengths.length} lengths for ${docCount} documents`);
  if (bounds.length < 1 || indptr.length !== bounds.length) {
    invalid(`${indptr.length} column bounds for ${bounds.length} term bounds`);
  }
  if (rows.length !== scores.length) invalid(`${rows.length} rows for ${scores.length} scores`);
  if (indptr[0] !== 0 || indptr[indptr.length - 1] !== rows.length)
    invalid('columns do not cover the entries');
  for (let term = 0; term + 1 < indptr.length; term += 1) {
    const from = indptr[term] as number;
    const to = indptr[term + 1] as number;
    if (to < from || to > rows.length) invalid(`column ${term} ends before it starts`);
    let last = -1;
    for (let entry = from; entry < to; entry += 1) {
      const row = rows[entry] as number;
      if (row <= last || row >= docCount) invalid(`row ${row} in column ${term} of ${docCount} documents`);
      last = row;
      const score = scores[entry] as number;
      if (!(score >= 1e-10 && score <= 1e10)) invalid(`score ${score} in column ${term}`);
    }
  }
}
