/** Statements of neighbouring articles judged beside each other: `「…법」에 대한 설명으로 옳지 않은 것은?` */
import { pick, shuffled } from '../choosing.js';
import { type Statement, statementsOf } from '../extract/statements.js';
import type { Form } from './form.js';
import { judgeStatements } from './judge-statements.js';
import { askAbout, lawName } from './stems.js';

const reach = 24;

export const neighbouringArticlesForm: Form = {
  name: 'neighbouring-articles',
  kinds: ['article'],
  weight: 6,
  compose: (ask) => {
    const own = shuffled(statementsOf(ask.article), ask.random)
      .filter((statement) => statement.chunkIds.includes(ask.chunk.chunkId))
      .filter(speaksForItself)
      .slice(0, 2);
    if (own.length === 0) return null;
    const beside = ask.library
      .neighboursOf(ask.article)
      .slice(0, reach)
      .flatMap((article) => {
        const one = pick(statementsOf(article).filter(speaksForItself), ask.random);
        return one ? [one] : [];
      });
    if (beside.length < ask.others) return null;
    return judgeStatements(ask, askAbout(lawName(ask.article), ask.negated, ask.random), {
      statements: [...own, ...beside],
      difficulty: 4,
    });
  },
};

/** Understood without the heading of its article: it names who acts, and no actor that only an article defines. */
function speaksForItself({ actor, text, referred }: Statement): boolean {
  return (
    actor !== undefined &&
    actor.text.length >= 4 &&
    !referred &&
    text.length >= 40 &&
    !/(?:^|\s)(?:해당|그|이를)\s/u.test(text)
  );
}
