/** A term with the meaning of another, defined beside it. */
import { type Definition, definitionsOf } from '../extract/definitions.js';
import { withParticle } from '../language/particles.js';
import { likeness } from '../likeness.js';
import type { Falsehood } from './falsehood.js';

const tooAlike = 0.45;

/** `“T”란 … 말한다.` */
export function definitionSentence(term: string, meaning: string): string {
  return `${withParticle(`“${term}”`, '이란')} ${withParticle(meaning, '을')} 말한다.`;
}

/** The term with each of the other meanings of its article that neither names it nor is like its own. */
export function exchangeTerm(definition: Definition): Falsehood[] {
  return definitionsOf(definition.article)
    .filter(
      ({ term, meaning }) =>
        term !== definition.term &&
        !meaning.includes(definition.term) &&
        !meaning.includes(term) &&
        likeness(meaning, definition.meaning) < tooAlike,
    )
    .map(({ term, meaning, chunkId }) => ({
      text: definitionSentence(definition.term, meaning),
      perturbation: 'term' as const,
      from: term,
      to: definition.term,
      original: definitionSentence(definition.term, definition.meaning),
      article: definition.article,
      chunkIds: [...new Set([definition.chunkId, chunkId])],
      printed: definition.printed,
    }));
}
