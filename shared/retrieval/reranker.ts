/**
 * Re-ranking: a second look at (query, passage) pairs among the best. The student can score them (see
 * `student-reranker.ts`), at seconds a search; where it does not, cover does:
 *
 *   rerank = ½ · fused + ½ · cover(query, passage)
 *
 * with the idf-weighted share of the query's morphemes that the passage holds as cover: unlike BM25 it asks how
 * much of the question a passage speaks of, not how often. It is read off the columns of the keyword index.
 */
import { askedText } from '../question/asked-text.js';
import { cover, weighTerms } from '../text/term-cover.js';
import type { Tokenizer } from '../text/tokenize.js';
import type { KeywordIndex } from './keyword-index.js';
import type { Passage } from './retriever.js';

export interface Reranker {
  /** One score a passage, 0..1, higher is better. */
  score(query: string, passages: readonly Passage[], signal?: AbortSignal): Promise<number[]>;
}

/** Scores texts that are in no index, for callers that bring their own. */
export interface TextReranker {
  /** One score a text, 0..1, higher is better. */
  scoreTexts(query: string, texts: readonly string[], signal?: AbortSignal): Promise<number[]>;
}

export class CoverReranker implements Reranker, TextReranker {
  readonly #tokenizer: Tokenizer;
  readonly #keywords: KeywordIndex;

  constructor(tokenizer: Tokenizer, keywords: KeywordIndex) {
    this.#tokenizer = tokenizer;
    this.#keywords = keywords;
  }

  async score(query: string, passages: readonly Passage[]): Promise<number[]> {
    const { morphemes } = this.#tokenizer.tokenize(askedText(query));
    const { weights, total } = weighTerms(morphemes, (term) => this.#keywords.idf(term));
    return passages.map(({ row, scores }) => {
      let held = 0;
      for (const [term, weight] of weights) if (this.#keywords.holds(row, term)) held += weight;
      return 0.5 * scores.fused + (total > 0 ? (0.5 * held) / total : 0);
    });
  }

  /** Cover alone: no search has scored these texts. */
  async scoreTexts(query: string, texts: readonly string[], signal?: AbortSignal): Promise<number[]> {
    const asked = weighTerms(this.#tokenizer.tokenize(askedText(query)).morphemes, (term) =>
      this.#keywords.idf(term),
    );
    return texts.map((text) => {
      signal?.throwIfAborted();
      return cover(asked, new Set(this.#tokenizer.tokenize(text).morphemes));
    });
  }
}
