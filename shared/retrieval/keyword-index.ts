/** The contract of keyword search over the chunks; the implementation is the frozen BM25 index. */
import type { Terms } from '../text/tokenize.js';
import type { RankedList } from './fusion.js';

export interface KeywordIndex {
  /** Number of rows. */
  readonly docCount: number;
  /** The best rows by a weighted sum of queries, best first; rows without any of their terms do not appear. */
  searchWeighted(queries: readonly { terms: Terms; weight: number }[], topK: number): RankedList;
  /** Does the row hold the morpheme? */
  holds(row: number, term: string): boolean;
  /** Inverse document frequency of a morpheme, ≥ 0; unknown terms get the highest. */
  idf(term: string): number;
}
