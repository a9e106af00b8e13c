/** A way to ask. Each form is a file with one `Form`; `form-table.ts` lists them. */
import type { Chunk, ChunkKind } from '../../../../shared/retrieval/chunk.js';
import type { Random } from '../choosing.js';
import type { Article, Library } from '../library.js';
import type { Falsehood, Surroundings } from '../perturb/falsehood.js';

export interface Ask extends Surroundings {
  chunk: Chunk;
  article: Article;
  library: Library;
  random: Random;
  negated: boolean;
  /** How many choices beside the right one. */
  others: number;
}

export interface Choice {
  text: string;
  /** The true sentence that it was made from; of a false choice the one that contradicts it. */
  source: string;
  /** What decides, where the text names it: it is never left out. */
  keep?: string;
}

/** A multiple-choice question before its choices are put in order. */
export interface Composition {
  stem: string;
  /** The right choice: of a negated stem the false one. */
  key: Choice;
  others: readonly Choice[];
  /** The sentence of the article that decides. */
  explanation: string;
  chunkIds: readonly string[];
  /** 1..5. */
  difficulty: number;
  /** What the false choices were made of. */
  falsehoods: readonly Falsehood[];
}

export interface OpenComposition {
  stem: string;
  answer: string;
  explanation: string;
  chunkIds: readonly string[];
  difficulty: number;
}

/** A statement of the article as a choice. */
export function truth({ text, printed }: { text: string; printed: string }): Choice {
  return { text, source: printed };
}

export function untruth({ text, printed, to }: Falsehood): Choice {
  return { text, source: printed, keep: to };
}

export interface Form {
  name: string;
  /** Chunks it can ask about. */
  kinds: readonly ChunkKind[];
  /** How often it is tried first, against the others. */
  weight: number;
  /** Null where the article gives nothing for it. */
  compose?(ask: Ask): Composition | null;
  open?(ask: Ask): OpenComposition | null;
}
