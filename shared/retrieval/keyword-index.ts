/** The contract of keyword search over the chunks; the implementation is the frozen BM25 index. */
import type { Terms } from '../text/tokenize.js';
import type { RankedList } from './fusion.js';

export interface KeywordIndex {
  /** Number of rows. */
  readonly docCount: number;
  /** The best rows for some terms, best first; rows without any of them do not appear. */
  search(terms: Terms, topK: number): RankedList;
  /** The score of every row, 0 where it shares no term. [docCount] */
  scoreAll(terms: Terms): Float32Array;
  /** Inverse document frequency of a morpheme, ≥ 0; unknown terms get the highest. */
  idf(term: string): number;
}
