/**
 * Names of the index's columns. Both fields share one vocabulary, so a term carries its field in front; the
 * prefix also makes `__proto__` and `constructor` ordinary keys wherever a term meets an object.
 */
import type { Terms } from '../../text/tokenize.js';

export const bm25Fields = ['morphemes', 'bigrams'] as const;
export type Bm25Field = (typeof bm25Fields)[number];

const PREFIX: Record<Bm25Field, string> = { morphemes: 'm:', bigrams: 'b:' };

/** The column name of a term of a field. */
export function fieldTerm(field: Bm25Field, term: string): string {
  return PREFIX[field] + term;
}

/** The column names of one field of a document or query. */
export function fieldTerms(field: Bm25Field, terms: Terms): string[] {
  const prefix = PREFIX[field];
  return terms[field].map((term) => prefix + term);
}
