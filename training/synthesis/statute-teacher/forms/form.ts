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

/** A multiple-choice question before its choices are put in order. */
export interface Composition {
  stem: string;
  /** The right choice: of a negated stem the false one. */
  key: string;
  others: readonly string[];
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
