/**
 * The TF-IDF matrix of tokenised documents, [documents, tokens]:
 *
 * ```
 * tf  = 1 + ln(count)                        sublinear
 * idf = ln((1 + n) / (1 + docFreq)) + 1      smoothed, as scikit-learn's
 * row = tf · idf, divided by its length      unit rows; an empty document stays a row of zeros
 * ```
 */
import type { SparseMatrix } from './sparse-matrix.js';

export interface Tfidf {
  matrix: SparseMatrix;
  /** [vocabSize] */
  idf: Float64Array;
  /** Documents that hold the token. [vocabSize] */
  docFreq: Uint32Array;
}

export interface TfidfOptions {
  vocabSize: number;
  /** Tokens that occur in fewer documents are left out of the matrix (default 1: none). */
  minDocFreq?: number;
}

/** `documents`: token ids of each document, every id below `vocabSize`. */
export function buildTfidf(documents: readonly (readonly number[])[], options: TfidfOptions): Tfidf {
  const { vocabSize, minDocFreq = 1 } = options;
  const counts = documents.map((ids) => countTokens(ids, vocabSize));
  const docFreq = new Uint32Array(vocabSize);
  for (const count of counts) {
    for (const token of count.keys()) {
      docFreq[token]!++;
    }
  }
  const idf = Float64Array.from(docFreq, (df) => Math.log((1 + documents.length) / (1 + df)) + 1);

  const rowStart = new Uint32Array(documents.length + 1);
  let nnz = 0;
  counts.forEach((count, i) => {
    for (const token of count.keys()) {
      nnz += docFreq[token]! >= minDocFreq ? 1 : 0;
    }
    rowStart[i + 1] = nnz;
  });
  const col = new Uint32Array(nnz);
  const value = new Float32Array(nnz);
  counts.forEach((count, i) => {
    const entries = [...count].filter(([token]) => docFreq[token]! >= minDocFreq).sort(([s], [t]) => s - t);
    const weights = entries.map(([token, tf]) => (1 + Math.log(tf)) * idf[token]!);
    const norm = Math.hypot(...weights) || 1;
    entries.forEach(([token], e) => {
      col[rowStart[i]! + e] = token;
      value[rowStart[i]! + e] = weights[e]! / norm;
    });
  });
  return { matrix: { rows: documents.length, cols: vocabSize, rowStart, col, value }, idf, docFreq };
}

function countTokens(ids: readonly number[], vocabSize: number): Map<number, number> {
  const count = new Map<number, number>();
  for (const id of ids) {
    if (!(id >= 0 && id < vocabSize)) {
      throw new RangeError(`token ${id} is outside the vocabulary of ${vocabSize}`);
    }
    count.set(id, (count.get(id) ?? 0) + 1);
  }
  return count;
}
