/** What a neighbouring article says, about something else. */
import { type Statement, statementsOf } from '../extract/statements.js';
import type { Article, Library } from '../library.js';
import { bigrams, contained } from '../likeness.js';
import type { Falsehood } from './falsehood.js';

const nearestArticles = 24;
const tooAlike = 0.6;

/** Statements of neighbouring articles that this article does not make. */
export function statementsBeside(article: Article, library: Library): Statement[] {
  const said = library.saidBy(article);
  return library
    .neighboursOf(article)
    .slice(0, nearestArticles)
    .filter((other) => other.heading !== article.heading && other.section !== article.section)
    .flatMap((other) => statementsOf(other).slice(0, 3))
    .filter(({ text }) => {
      const letters = bigrams(text);
      return said.every((sentence) => contained(letters, sentence.bigrams) < tooAlike);
    });
}

export function asNeighbour(beside: Statement, article: Article): Falsehood {
  return {
    text: beside.text,
    perturbation: 'neighbour',
    from: article.heading,
    to: beside.article.heading,
    original: '',
    article,
    chunkIds: [article.first.chunkId],
    printed: `${beside.article.section}(${beside.article.heading}): ${beside.printed}`,
  };
}
