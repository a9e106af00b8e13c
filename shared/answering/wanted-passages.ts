/**
 * What is searched for a question: as many passages as the scorer weighs. It weighs each choice against them itself,
 * so re-ranking by the stem alone would only narrow what it sees; an open answer is composed from the best.
 */
import type { Classification } from '../question/question.js';
import type { RetrieveOptions } from '../retrieval/retriever.js';

export function wantedPassages(
  { questionType }: Pick<Classification, 'questionType'>,
  evidencePassages: number,
): RetrieveOptions & { topK: number } {
  return { topK: evidencePassages, rerank: questionType === 'open' };
}
