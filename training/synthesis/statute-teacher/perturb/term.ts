/** A term with the meaning of another, defined beside it. */
import { type Random, shuffled } from '../choosing.js';
import { type Definition, definitionsOf } from '../extract/definitions.js';
import { withParticle } from '../language/particles.js';
import { likeness } from '../likeness.js';
import type { Falsehood } from './falsehood.js';

const tooAlike = 0.45;

/** `“T”란 … 말한다.` */
export function definitionSentence(term: string, meaning: string): string {
  return `${withParticle(`“${term}”`, '이란')} ${withParticle(meaning, '을')} 말한다.`;
}

/** Someone, and not something: the meaning of the one is no plausible meaning of the other. */
export function isSomeone({ meaning }: Definition): boolean {
  return /(?:자|사람|회사|기관|법인|사업자|업자|주체|은행|조합|단체)(?:\([^()]*\))?$/u.test(meaning);
}

/** The term with each other meaning of its article that neither names it nor is like its own; only the fitting, if any. */
export function exchangeTerm(definition: Definition, random: Random): Falsehood[] {
  const usable = shuffled(definitionsOf(definition.article), random).filter(
    ({ term, meaning }) =>
      term !== definition.term &&
      !meaning.includes(definition.term) &&
      !meaning.includes(term) &&
      likeness(meaning, definition.meaning) < tooAlike,
  );
  const fitting = usable.filter((other) => isSomeone(other) === isSomeone(definition));
  return (fitting.length > 0 ? fitting : usable).map(({ term, meaning, chunkId }) => ({
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
