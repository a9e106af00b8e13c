/**
 * Re-ranking: a second look at (query, passage) pairs among the best. The student model will score them; until
 * then, and where it is not loaded, cover does:
 *
 *   rerank = ½ · fused + ¼ · cover(query, passage) + ¼ · max over its sentences of cover(query, sentence)
 *
 * with the idf-weighted share of the query's morphemes as cover: unlike BM25 it asks how much of the question a
 * passage speaks of, not how often.
 */
import { askedText } from '../question/asked-text.js';
import { cover, weighTerms } from '../text/term-cover.js';
import type { Tokenizer } from '../text/tokenize.js';
import type { KeywordIndex } from './keyword-index.js';
import type { Passage } from './retriever.js';

export interface Reranker {
  /** One score a passage, 0..1, higher is better. */
  score(query: string, passages: readonly Passage[]): Promise<number[]>;
}

/** The terms of a passage and of its sentences. */
export interface PassageTerms {
  morphemes: ReadonlySet<string>;
  units: readonly { morphemes: ReadonlySet<string> }[];
}

export class CoverReranker implements Reranker {
  readonly #tokenizer: Tokenizer;
  readonly #keywords: KeywordIndex;
  readonly #termsOf: (row: number) => PassageTerms;

  constructor(tokenizer: Tokenizer, keywords: KeywordIndex, termsOf: (row: number) => PassageTerms) {
    this.#tokenizer = tokenizer;
    this.#keywords = keywords;
    this.#termsOf = termsOf;
  }

  async score(query: string, passages: readonly Passage[]): Promise<number[]> {
    const { morphemes } = this.#tokenizer.tokenize(askedText(query));
    const wanted = weighTerms(morphemes, (term) => this.#keywords.idf(term));
    return passages.map(({ row, scores }) => {
      const { morphemes: terms, units } = this.#termsOf(row);
      const bestUnit = Math.max(0, ...units.map((unit) => cover(wanted, unit.morphemes)));
      return 0.5 * scores.fused + 0.25 * cover(wanted, terms) + 0.25 * bestUnit;
    });
  }
}
