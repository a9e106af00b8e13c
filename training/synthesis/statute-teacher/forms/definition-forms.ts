/** Terms and meanings: the meaning of a term, the term of a meaning, and pairs of both judged. */
import { pick, shuffled } from '../choosing.js';
import { type Definition, definitionsOf } from '../extract/definitions.js';
import type { Statement } from '../extract/statements.js';
import { likeness } from '../likeness.js';
import type { Falsehood } from '../perturb/falsehood.js';
import { falsehoodsOf } from '../perturb/perturbation-table.js';
import { definitionSentence, exchangeTerm, isSomeone } from '../perturb/term.js';
import { isProvablyFalse } from '../verify-false.js';
import { type Ask, type Form, truth, untruth } from './form.js';
import { askAbout, lawName } from './stems.js';

function ownDefinition({ article, chunk, random }: Ask): Definition | undefined {
  return pick(
    definitionsOf(article).filter(({ chunkId }) => chunkId === chunk.chunkId),
    random,
  );
}

function asStatement({ term, meaning, article, chunkId, printed }: Definition): Statement {
  const text = definitionSentence(term, meaning);
  return {
    text,
    modal: 'plain',
    actor: undefined,
    article,
    paragraph: 0,
    chunkIds: [chunkId],
    printed,
    excepted: false,
    referred: false,
    origin: text,
  };
}

/** Wrong meanings of a term: changed ones of its own, and those of the terms beside it. */
function wrongMeanings(ask: Ask, definition: Definition): Falsehood[] {
  const changed = falsehoodsOf(asStatement(definition), ask, new Set(['quantity', 'opposite', 'bound']));
  const exchanged = exchangeTerm(definition, ask.random).filter((falsehood) =>
    isProvablyFalse(falsehood, ask.library),
  );
  return [...changed.slice(0, 2), ...exchanged];
}

export const definitionMeaningForm: Form = {
  name: 'definition-meaning',
  kinds: ['article'],
  weight: 8,
  compose: (ask) => {
    const definition = ownDefinition(ask);
    if (ask.negated || !definition || definition.meaning.includes(definition.term)) return null;
    const falsehoods = wrongMeanings(ask, definition).slice(0, ask.others);
    if (falsehoods.length < ask.others) return null;
    const bare = (sentence: string): string => sentence.slice(sentence.indexOf('란 ') + 2);
    return {
      stem: `${lawName(ask.article)}에서 정의하는 “${definition.term}”의 뜻으로 옳은 것은?`,
      key: {
        text: bare(definitionSentence(definition.term, definition.meaning)),
        source: definition.printed,
      },
      others: falsehoods.map(({ text, printed }) => ({ text: bare(text), source: printed })),
      explanation: definition.printed,
      chunkIds: [...new Set([definition.chunkId, ...falsehoods.flatMap(({ chunkIds }) => chunkIds)])],
      difficulty: 3,
      falsehoods,
    };
  },
  open: (ask) => {
    const definition = ownDefinition(ask);
    if (!definition) return null;
    return {
      stem: `${lawName(ask.article)}에서 정의하는 “${definition.term}”의 의미를 서술하시오.`,
      answer: definitionSentence(definition.term, definition.meaning),
      explanation: definition.printed,
      chunkIds: [definition.chunkId],
      difficulty: 2,
    };
  },
};

export const definitionTermForm: Form = {
  name: 'definition-term',
  kinds: ['article'],
  weight: 6,
  compose: (ask) => {
    const definition = ownDefinition(ask);
    if (ask.negated || !definition || sharesWord(definition.term, definition.meaning)) return null;
    const rivals = shuffled(definitionsOf(ask.article), ask.random).filter(
      ({ term, meaning }) =>
        !term.includes(definition.term) &&
        !definition.term.includes(term) &&
        !definition.meaning.includes(term) &&
        likeness(meaning, definition.meaning) < 0.6,
    );
    if (rivals.length < ask.others) return null;
    const fits = (other: Definition): number => (isSomeone(other) === isSomeone(definition) ? 0 : 1);
    const chosen = rivals.sort((a, b) => fits(a) - fits(b)).slice(0, ask.others);
    return {
      stem: `${lawName(ask.article)}에서 다음과 같이 정의하는 용어는?\n“${definition.meaning}”`,
      key: { text: definition.term, source: definition.printed },
      others: chosen.map(({ term }) => ({ text: term, source: definition.printed })),
      explanation: definition.printed,
      chunkIds: [...new Set([definition.chunkId, ...chosen.map(({ chunkId }) => chunkId)])],
      difficulty: 2,
      falsehoods: chosen.map((rival) => ({
        text: definitionSentence(rival.term, definition.meaning),
        perturbation: 'term',
        from: definition.term,
        to: rival.term,
        original: definitionSentence(definition.term, definition.meaning),
        article: ask.article,
        chunkIds: [definition.chunkId],
        printed: definition.printed,
      })),
    };
  },
};

export const definitionJudgedForm: Form = {
  name: 'definition-judged',
  kinds: ['article'],
  weight: 8,
  compose: (ask) => {
    const { article, random, others, negated } = ask;
    const definition = ownDefinition(ask);
    if (!definition) return null;
    const rest = shuffled(definitionsOf(article), random).filter(({ term }) => term !== definition.term);
    const stem = askAbout(`${lawName(article)}에서 사용하는 용어의 뜻`, negated, random);
    if (negated) {
      const wrong = pick(wrongMeanings(ask, definition).slice(0, 2), random);
      // The term whose meaning was taken must not stand beside it with the same meaning.
      const told = rest.filter(({ term }) => wrong?.from !== term).slice(0, others);
      if (!wrong || told.length < others) return null;
      return {
        stem,
        key: untruth(wrong),
        others: told.map((other) => truth(asStatement(other))),
        explanation: definition.printed,
        chunkIds: [...new Set([definition.chunkId, ...told.map(({ chunkId }) => chunkId)])],
        difficulty: 4,
        falsehoods: [wrong],
      };
    }
    const wrong = rest.flatMap((other) => {
      const usable = wrongMeanings(ask, other).filter(({ from }) => from !== definition.term);
      const one = pick(usable.slice(0, 3), random);
      return one ? [one] : [];
    });
    const distinct = wrong.filter(({ from }, i) => wrong.findIndex((other) => other.from === from) === i);
    if (distinct.length < others) return null;
    const falsehoods = distinct.slice(0, others);
    return {
      stem,
      key: truth(asStatement(definition)),
      others: falsehoods.map(untruth),
      explanation: definition.printed,
      chunkIds: [...new Set([definition.chunkId, ...falsehoods.flatMap(({ chunkIds }) => chunkIds)])],
      difficulty: 4,
      falsehoods,
    };
  },
};

/** A word of the term stands in the text: it would give the answer away. */
function sharesWord(term: string, text: string): boolean {
  const words = term.split(/[\sㆍ]/u).filter((word) => word.length >= 2);
  return text.includes(term) || words.some((word) => text.includes(word)) || text.includes(term.slice(0, 4));
}
