/** What a statute is for. */
import { shuffled } from '../choosing.js';
import { type Purpose, purposeOf } from '../extract/purposes.js';
import type { Library } from '../library.js';
import { exchangeClauses } from '../perturb/clause.js';
import { remembered } from '../remembered.js';
import { isProvablyFalse } from '../verify-false.js';
import { type Form, untruth } from './form.js';
import { lawName } from './stems.js';

const purposesIn = remembered((library: Library): readonly Purpose[] =>
  library.documents.flatMap(({ articles }) => {
    const purpose = articles[0] && purposeOf(articles[0]);
    return purpose ? [purpose] : [];
  }),
);

export const purposeForm: Form = {
  name: 'purpose',
  kinds: ['article'],
  weight: 20,
  compose: ({ article, library, negated, others, random }) => {
    const purpose = purposeOf(article);
    if (negated || !purpose) return null;
    const rivals = purposesIn(library).filter((other) => other.article.document.id !== article.document.id);
    const falsehoods = shuffled(exchangeClauses(purpose, rivals), random).filter(
      (falsehood, i, all) =>
        all.findIndex(({ to }) => to === falsehood.to) === i && isProvablyFalse(falsehood, library),
    );
    if (falsehoods.length < others) return null;
    const chosen = falsehoods.slice(0, others);
    return {
      stem: `${lawName(article)}의 목적으로 옳은 것은?`,
      key: { text: purpose.sentence, source: purpose.sentence },
      others: chosen.map(untruth),
      explanation: purpose.sentence,
      chunkIds: [article.first.chunkId],
      difficulty: 3,
      falsehoods: chosen,
    };
  },
  open: ({ article }) => {
    const purpose = purposeOf(article);
    if (!purpose) return null;
    return {
      stem: `${lawName(article)}의 제정 목적을 서술하시오.`,
      answer: purpose.sentence.replace(/^이 (?:법|고시|규정)은/u, `${lawName(article)}은`),
      explanation: purpose.sentence,
      chunkIds: [article.first.chunkId],
      difficulty: 2,
    };
  },
};
