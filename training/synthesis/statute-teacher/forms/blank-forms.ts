/** A statement with a gap: the number or period, the body that acts, the one it is done to. */
import { aroundKey, pick, shuffled } from '../choosing.js';
import { counterpartyOf, type Actor, topicOf } from '../extract/actors.js';
import { type Statement, statementsOf } from '../extract/statements.js';
import { adnominal } from '../language/modal.js';
import { magnitude, quantitiesIn } from '../language/quantities.js';
import { withParticle } from '../language/particles.js';
import type { Falsehood, Perturbation } from '../perturb/falsehood.js';
import { askActor } from '../perturb/actor.js';
import { askCounterparty } from '../perturb/counterparty.js';
import { askQuantity } from '../perturb/quantity.js';
import { isProvablyFalse } from '../verify-false.js';
import type { Ask, Composition, Form, OpenComposition } from './form.js';
import { lawName, placeOf } from './stems.js';

const kindNames = { period: '기간', money: '금액', share: '비율', count: '수' } as const;

function ownStatements({ article, chunk, random }: Ask): Statement[] {
  return shuffled(statementsOf(article), random).filter(({ chunkIds }) => chunkIds.includes(chunk.chunkId));
}

function wrong(perturb: Perturbation, statement: Statement, ask: Ask, from: string): Falsehood[] {
  const made = perturb(statement, ask).filter((falsehood) => falsehood.from === from);
  const distinct = made.filter(({ to }, i) => made.findIndex((other) => other.to === to) === i);
  return distinct.filter((falsehood) => isProvablyFalse(falsehood, ask.library));
}

/**
 * Who is named most comes first, with one in reserve: a body that a document seldom names is seldom right, and would
 * be known for that.
 */
function usualFirst(falsehoods: readonly Falsehood[], { others, random }: Ask): Falsehood[] {
  return [...shuffled(falsehoods.slice(0, others + 1), random), ...falsehoods.slice(others + 1)];
}

function composition(
  stem: string,
  statement: Statement,
  key: string,
  falsehoods: readonly Falsehood[],
  difficulty: number,
): Composition {
  return {
    stem,
    key: { text: key, source: statement.printed },
    others: falsehoods.map(({ to, printed }) => ({ text: to, source: printed })),
    explanation: statement.printed,
    chunkIds: statement.chunkIds,
    difficulty,
    falsehoods,
  };
}

export const numberForm: Form = {
  name: 'number',
  kinds: ['article', 'control'],
  weight: 6,
  compose: (ask) => {
    if (ask.negated) return null;
    for (const statement of ownStatements(ask)) {
      const quantity = pick(quantitiesIn(statement.text), ask.random);
      if (!quantity) continue;
      const { text, start, end, kind } = quantity;
      if (statement.text.slice(0, start).includes(text) || statement.text.slice(end).includes(text)) continue;
      const made = wrong(askQuantity, statement, ask, text);
      const isSmaller = ({ to }: Falsehood): boolean => magnitude(to) < magnitude(text);
      const falsehoods = aroundKey(
        made.filter(isSmaller),
        made.filter((falsehood) => !isSmaller(falsehood)),
        ask.others,
        ask.random,
        0.6,
      );
      if (falsehoods.length < ask.others) continue;
      const gap = `${statement.text.slice(0, start)}(   )${statement.text.slice(end)}`;
      const stem = `다음은 ${placeOf(ask.article)}의 내용이다. 괄호 안에 들어갈 ${withParticle(kindNames[kind], '으로')} 옳은 것은?\n“${gap}”`;
      return composition(stem, statement, text, falsehoods, 4);
    }
    return null;
  },
};

/** The statement without who acts, as a description of them: `…에게 통지하여야 하는`. */
function withoutActor({ text }: Statement, actor: Actor): string | null {
  const rest = `${text.slice(0, actor.start)}${text.slice(actor.end).replace(/^[은는]\s/u, '')}`.replace(
    '원칙적으로 ',
    '',
  );
  return adnominal(rest);
}

export const responsibleBodyForm: Form = {
  name: 'responsible-body',
  kinds: ['article'],
  weight: 6,
  compose: (ask) => {
    if (ask.negated) return null;
    for (const statement of ownStatements(ask)) {
      const actor = topicOf(statement.text);
      if (!actor || statement.modal === 'prohibition' || statement.modal === 'denial') continue;
      if (statement.text.indexOf(actor.text) !== statement.text.lastIndexOf(actor.text)) continue;
      const clause = withoutActor(statement, actor);
      const falsehoods = usualFirst(wrong(askActor, statement, ask, actor.text), ask).filter(
        ({ to }) => !statement.text.includes(to),
      );
      if (clause === null || falsehoods.length < ask.others || ask.article.heading.includes(actor.text))
        continue;
      const stem = `${lawName(ask.article)} ${ask.article.section}에 따라 ${clause} 자는 누구인가?`;
      return composition(stem, statement, actor.text, falsehoods.slice(0, ask.others), 3);
    }
    return null;
  },
  open: (ask): OpenComposition | null => {
    for (const statement of ownStatements(ask)) {
      const actor = topicOf(statement.text);
      const clause = actor && statement.modal !== 'prohibition' ? withoutActor(statement, actor) : null;
      if (clause === null) continue;
      return {
        stem: `${lawName(ask.article)} ${ask.article.section}에 따라 ${clause} 자가 누구인지 쓰고 그 내용을 설명하시오.`,
        answer: statement.text,
        explanation: statement.printed,
        chunkIds: statement.chunkIds,
        difficulty: 3,
      };
    }
    return null;
  },
};

export const counterpartyForm: Form = {
  name: 'counterparty',
  kinds: ['article'],
  weight: 5,
  compose: (ask) => {
    if (ask.negated) return null;
    for (const statement of ownStatements(ask)) {
      const counterparty = counterpartyOf(statement.text);
      if (!counterparty) continue;
      const { start, end, text, particle } = counterparty;
      if (statement.text.indexOf(text) !== statement.text.lastIndexOf(text)) continue;
      const falsehoods = usualFirst(wrong(askCounterparty, statement, ask, text), ask).slice(0, ask.others);
      if (falsehoods.length < ask.others) continue;
      const gap = `${statement.text.slice(0, start)}(   )${statement.text.slice(end)}`.replace(
        `(   )${particle}`,
        particle === '의' ? '(   )의' : '(   )에(게)',
      );
      const stem = `다음은 ${placeOf(ask.article)}의 내용이다. 괄호 안에 들어갈 것으로 옳은 것은?\n“${gap}”`;
      return composition(stem, statement, text, falsehoods, 4);
    }
    return null;
  },
};
