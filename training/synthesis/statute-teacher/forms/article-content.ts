/** Which statement an article makes, among those of its neighbours. */
import { shuffled } from '../choosing.js';
import { statementsOf } from '../extract/statements.js';
import { asNeighbour, statementsBeside } from '../perturb/neighbour.js';
import { isProvablyFalse } from '../verify-false.js';
import { type Form, truth, untruth } from './form.js';
import { placeOf } from './stems.js';

export const articleContentForm: Form = {
  name: 'article-content',
  kinds: ['article'],
  weight: 1,
  compose: ({ article, chunk, library, negated, others, random }) => {
    if (article.heading === '') return null;
    const told = shuffled(statementsOf(article), random);
    const own = told.find(({ chunkIds }) => chunkIds.includes(chunk.chunkId));
    if (!own) return null;
    const falsehoods = shuffled(
      statementsBeside(article, library).filter(({ text }) => text.length < own.text.length * 2),
      random,
    )
      .map((beside) => asNeighbour(beside, article))
      .filter((falsehood) => isProvablyFalse(falsehood, library));
    const stem = `다음 중 ${placeOf(article)}에서 규정하고 있는 내용${negated ? '이 아닌 것은?' : '으로 옳은 것은?'}`;
    const [stranger] = falsehoods;
    if (negated) {
      const trues = [
        own,
        ...told.filter((statement) => statement !== own && statement.origin !== own.origin),
      ];
      if (!stranger || trues.length < others) return null;
      return {
        stem,
        key: untruth(stranger),
        others: trues.slice(0, others).map(truth),
        explanation: stranger.printed,
        chunkIds: [...new Set(trues.slice(0, others).flatMap(({ chunkIds }) => chunkIds))],
        difficulty: 3,
        falsehoods: [stranger],
      };
    }
    const chosen = falsehoods.slice(0, others);
    if (chosen.length < others) return null;
    return {
      stem,
      key: truth(own),
      others: chosen.map(untruth),
      explanation: own.printed,
      chunkIds: own.chunkIds,
      difficulty: 2,
      falsehoods: chosen,
    };
  },
};
