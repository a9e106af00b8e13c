/** Which statement an article makes, among those of its neighbours. */
import { pick, shuffled } from '../choosing.js';
import { statementsOf } from '../extract/statements.js';
import { asNeighbour, statementsBeside } from '../perturb/neighbour.js';
import { trueChoice } from '../restate/true-choices.js';
import { isProvablyFalse } from '../verify-false.js';
import { type Form, untruth } from './form.js';
import { placeOf } from './stems.js';

const asked = {
  positive: [
    '에서 규정하고 있는 내용으로 옳은 것은?',
    '에서 정하고 있는 사항으로 옳은 것은?',
    '에 규정된 내용에 해당하는 것은?',
  ],
  negated: [
    '에서 규정하고 있는 내용이 아닌 것은?',
    '에서 정하고 있는 사항이 아닌 것은?',
    '에 규정된 내용에 해당하지 않는 것은?',
  ],
};

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
    const stem = `${pick(['다음 중 ', ''], random)}${placeOf(article)}${pick(negated ? asked.negated : asked.positive, random)}`;
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
        others: trues.slice(0, others).map((statement) => trueChoice(statement, library, random)),
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
      key: trueChoice(own, library, random),
      others: chosen.map(untruth),
      explanation: own.printed,
      chunkIds: own.chunkIds,
      difficulty: 2,
      falsehoods: chosen,
    };
  },
};
