/** A statement that its article does not make, with what was done to a true one to get it. */
import type { Random } from '../choosing.js';
import type { Statement } from '../extract/statements.js';
import type { Article, Library } from '../library.js';

export const perturbations = [
  'actor', // another body or party does it
  'counterparty', // it is done to, or granted by, another
  'quantity', // another period, amount, share or count
  'bound', // 이상 for 이하
  'modal', // what must be done need not, what may not may
  'obligation', // what may be done must
  'exception', // what is excepted is not
  'opposite', // 사전에 for 사후에
  'member', // of another list
  'term', // the meaning of another term
  'clause', // the aim of another statute
  'neighbour', // what another article says
  'exchange', // who does it and whom it is done to
  'absolute', // without exception, where there are some
  'procedure', // a notice for an approval
  'aim', // done for another aim
  'delegation', // another rank of rule
  'contrast', // a word of technology for the one it is taught against
  'topic', // said of another thing
  'denial', // what a guide says, denied
] as const;
export type PerturbationName = (typeof perturbations)[number];

export interface Falsehood {
  text: string;
  perturbation: PerturbationName;
  /** What was there, and what stands there now: the difference that decides. */
  from: string;
  to: string;
  /** The true text. */
  original: string;
  /** Article that it is false of. */
  article: Article;
  chunkIds: readonly string[];
  /** What the article prints instead. */
  printed: string;
}

export interface Surroundings {
  library: Library;
  random: Random;
}

/** All it can make of a statement, in no order; not yet verified. */
export type Perturbation = (statement: Statement, around: Surroundings) => Falsehood[];

export function falsehoodOf(
  statement: Statement,
  perturbation: PerturbationName,
  change: { text: string; from: string; to: string },
): Falsehood {
  const { article, chunkIds, printed, text: original } = statement;
  return { ...change, perturbation, original, article, chunkIds, printed };
}
