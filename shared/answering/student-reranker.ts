/**
 * Re-ranking by the student, which reads query and text together:
 *
 *   score = P(O) / (P(O) + P(X)), the logistic of the log-odds that the text answers the query
 *
 * and for passages of a search, as with cover, half that and half the fused score. The query stands before the
 * text, so its keys and values are computed once.
 */
import type { LanguageModel } from '../lm/language-model.js';
import type { Reranker, TextReranker } from '../retrieval/reranker.js';
import type { Passage } from '../retrieval/retriever.js';
import { logistic } from './student-choice-scorer.js';
import { type StudentPrompt, verdicts } from './student-prompt.js';

export interface StudentRerankerParts {
  model: Pick<LanguageModel, 'score' | 'tokenizer'>;
  prompt: StudentPrompt;
  /** Texts scored at once, ≥ 1: the slots of the language model. */
  atOnce: number;
}

export class StudentReranker implements Reranker, TextReranker {
  readonly #parts: StudentRerankerParts;

  constructor(parts: StudentRerankerParts) {
    this.#parts = parts;
  }

  async score(query: string, passages: readonly Passage[], signal?: AbortSignal): Promise<number[]> {
    const texts = passages.map(({ chunk }) => `${chunk.title} ${chunk.section}\n${chunk.content}`);
    const scores = await this.scoreTexts(query, texts, signal);
    return passages.map((passage, index) => 0.5 * passage.scores.fused + 0.5 * (scores[index] as number));
  }

  async scoreTexts(query: string, texts: readonly string[], signal?: AbortSignal): Promise<number[]> {
    const { model, atOnce } = this.#parts;
    const words = await model.tokenizer.encodeBatch([verdicts.yes, verdicts.no], { addSpecialTokens: false });
    const reserveTokens = Math.max(...words.map(({ length }) => length));
    const scoreOne = async (text: string): Promise<number> => {
      const { ids } = await this.#parts.prompt.rerank(query, text, { reserveTokens });
      const [yes, no] = await model.score({ prompt: ids, continuations: words }, signal);
      return logistic((yes?.sum ?? Number.NaN) - (no?.sum ?? Number.NaN));
    };
    // The first alone: what it leaves in the prefix cache, the others find there.
    const scores: number[] = [];
    for (let start = 0; start < texts.length; ) {
      signal?.throwIfAborted();
      const end = start === 0 ? 1 : start + atOnce;
      scores.push(...(await Promise.all(texts.slice(start, end).map(scoreOne))));
      start = end;
    }
    return scores;
  }
}
