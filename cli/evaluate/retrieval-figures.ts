/**
 * Whether the article that a question is about is among the passages that its answer was made from. A file of questions
 * says what a question is about in two ways, which are counted apart:
 *
 *   labelled   the columns `title` and `section` name the article that the question rests on
 *   named      the question's stem names a statute with an article, and the bundle holds it: the easier search
 *
 * Recall at 1, 3 and 5 counts different articles; `read` counts all passages that were read. Every part of an article
 * and its other dated versions count as the same. Of questions that say neither, nothing is measured.
 */
import { mean } from '../../shared/evaluation/mean.js';
import { splitChoices } from '../../shared/question/choices.js';
import type { Chunk } from '../../shared/retrieval/chunk.js';
import { recallAt } from '../../shared/retrieval/metrics.js';
import { StatuteDirectory } from '../../shared/retrieval/statute-mention.js';
import { articleKey } from '../../training/evaluation/article-queries.js';
import type { Answered, EvaluatedQuestion } from './ask-questions.js';

export interface ArticleRecall {
  questions: number;
  recallAt1: number;
  recallAt3: number;
  recallAt5: number;
  read: number;
  /** Share of the questions of which such an article is cited. */
  cited: number;
}

export interface RetrievalFigures {
  labelled: ArticleRecall | null;
  named: ArticleRecall | null;
}

/** Of questions as they were written. Null where no question says what it is about. */
export function retrievalFigures(
  answered: readonly Answered[],
  chunks: readonly Chunk[],
): RetrievalFigures | null {
  const keyOf = new Map(chunks.map((chunk) => [chunk.chunkId, articleKey(chunk)]));
  const held = new Set(keyOf.values());
  const directory = new StatuteDirectory(chunks.map(({ title }) => title));
  const written = answered.filter(({ deal }) => deal === 0);
  const recall = (relevantOf: (question: EvaluatedQuestion) => ReadonlySet<string>): ArticleRecall | null =>
    articleRecall(written, keyOf, relevantOf);
  const labelled = recall(({ article }) => new Set(article ? [articleKey(article)] : []));
  const named = recall(({ text }) => namedArticles(splitChoices(text).stem, directory, held));
  return labelled || named ? { labelled, named } : null;
}

function articleRecall(
  answered: readonly Answered[],
  keyOf: ReadonlyMap<string, string>,
  relevantOf: (question: EvaluatedQuestion) => ReadonlySet<string>,
): ArticleRecall | null {
  const keysOf = (ids: readonly string[]): string[] => [...new Set(ids.flatMap((id) => keyOf.get(id) ?? []))];
  const rows = answered.flatMap(({ question, prediction }) => {
    const relevant = relevantOf(question);
    if (relevant.size === 0) return [];
    const ranked = keysOf(prediction.passages);
    const at = (k: number): number => recallAt(k, ranked, relevant);
    const cited = keysOf(prediction.citations).some((key) => relevant.has(key));
    return [{ at1: at(1), at3: at(3), at5: at(5), read: at(ranked.length), cited: Number(cited) }];
  });
  if (rows.length === 0) return null;
  return {
    questions: rows.length,
    recallAt1: mean(rows.map(({ at1 }) => at1)),
    recallAt3: mean(rows.map(({ at3 }) => at3)),
    recallAt5: mean(rows.map(({ at5 }) => at5)),
    read: mean(rows.map(({ read }) => read)),
    cited: mean(rows.map(({ cited }) => cited)),
  };
}

function namedArticles(
  stem: string,
  directory: StatuteDirectory,
  held: ReadonlySet<string>,
): ReadonlySet<string> {
  const keys = directory
    .mentions(stem)
    .flatMap(({ titles, articles }) =>
      titles.flatMap((title) => articles.map((section) => articleKey({ title, section }))),
    );
  return new Set(keys.filter((key) => held.has(key)));
}
