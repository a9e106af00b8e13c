/**
 * Who writes questions, and who judges them: what `synthesize` knows of a teacher.
 *
 * The same request always gives the same draft, whatever was asked before or beside it: `synthesize` asks several
 * at once, and again after an interruption. A model that cannot promise that keeps a journal of its responses.
 */
import type { Chunk } from '../../shared/retrieval/chunk.js';
import type { QaDraft } from '../formats/qa-pair.js';

export interface QuestionTeacher {
  /** `statute`, or the name of the model. */
  readonly name: string;
  /** Whether it writes in forms that can be avoided. */
  readonly variesForm?: boolean;
  /** It is asked again sooner than what it wrote is read back: no journal is kept of it. */
  readonly isCheap?: boolean;
  /** A question about the chunk; null where nothing (more) can be asked of it. */
  write(request: DraftRequest, signal: AbortSignal): Promise<QaDraft | null>;
  close(): Promise<void>;
}

export interface DraftRequest {
  chunk: Chunk;
  /** Other chunks of the same document, the nearest first: false choices may come from them. */
  neighbours: readonly Chunk[];
  /** From 0; a later attempt must write another question. */
  attempt: number;
  /** What was wrong with the attempts before it, in words, for a teacher that can mend its ways. */
  faults?: readonly string[];
  /** Number of the question among those asked for of this chunk, from 0. */
  ordinal: number;
  wanted: WantedQuestion;
  seed: number;
}

export interface WantedQuestion {
  /** Answered in words, without choices; negated, choices and position then mean nothing. */
  open: boolean;
  /** Whether the false choice is asked for. */
  negated: boolean;
  choices: 4 | 5;
  /** Of the right choice, from 1. */
  position: number;
  /** Forms of which there are enough; only for a teacher that can vary them. */
  avoid?: readonly string[];
}

export interface Judge {
  judge(draft: QaDraft, context: readonly Chunk[], signal: AbortSignal): Promise<Judgement>;
}

export interface Judgement {
  /** 0 useless .. 10 faultless. */
  score: number;
  /** What is wrong with it, in words; none where nothing is. */
  reasons: string[];
}
