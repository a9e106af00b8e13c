/** A query and a passage that answers it, made of the documents: what the embedder learns from. */
import type { Chunk } from '../../../shared/retrieval/chunk.js';

export const pairKinds = ['heading', 'words', 'cloze', 'term', 'definition', 'citation', 'question'] as const;
export type PairKind = (typeof pairKinds)[number];

/** As `haetae train embed` reads it, with where it comes from. */
export interface RetrievalPair {
  kind: PairKind;
  query: string;
  positive: string;
  negatives?: string[];
  /** Family of documents: training and measurement share none. */
  source: string;
  /** Key of the article that the positive is of. */
  article: string;
}

/** A statute, its decree and its rules, in all their versions, are one family: they share terms and sentences. */
export function familyOf(title: string): string {
  return title
    .replace(/\s*\(\d{4}-\d{2}-\d{2}\)$/u, '')
    .replace(/\s*(?:시행령|시행규칙)$/u, '')
    .replace(/[\sㆍ·]/gu, '');
}

/** Whether pairs are made of a chunk: addenda and annexes say little that is asked, deleted articles nothing. */
export function isPaired({ kind, content }: Pick<Chunk, 'kind' | 'content'>): boolean {
  return kind !== 'addendum' && kind !== 'appendix' && !/삭제\s*[<〈]/u.test(content.slice(0, 40));
}

/** Texts without a letter or a digit have no vector. */
export function isReadable({ query, positive }: Pick<RetrievalPair, 'query' | 'positive'>): boolean {
  return /[\p{L}\p{N}]{2}/u.test(query) && /[\p{L}\p{N}]{2}/u.test(positive);
}
