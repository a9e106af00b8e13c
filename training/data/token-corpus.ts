/**
 * Tokenised documents in memory: two or four bytes a token.
 *
 * An example is what one document became: one sequence for text and dialogues, two for a pair (chosen, rejected), two
 * or more for retrieval (query, positive, negatives). Dialogues and pairs whose teacher has a prompt of its own have as
 * many sequences again: the same answers behind that prompt. A corpus is a choice of examples over shared arrays, so
 * that a split copies nothing.
 */
import { createHash } from 'node:crypto';
import { dataError } from './data-error.js';
import { heldOut, requireBothSides } from './split-by-document.js';
import type { DocumentKind } from './training-document.js';

export interface TokenArrays {
  /** Hash of inputs, tokenizer and options. */
  readonly key: string;
  readonly kind: DocumentKind;
  /** All sequences, one after another. */
  readonly tokens: Uint16Array | Uint32Array;
  /** [sequences + 1]: where each begins in `tokens`. */
  readonly offsets: Float64Array;
  /**
   * Lengths of runs of tokens that are not trained on and that are, by turns, over all sequences; [sequences + 1]
   * starts. A sequence without runs is trained on as a whole.
   */
  readonly runs: Uint32Array;
  readonly runStarts: Uint32Array;
  /** [examples + 1]: the first sequence of each. */
  readonly exampleStarts: Uint32Array;
  /** [examples]: index into `documentIds`. */
  readonly exampleDocuments: Uint32Array;
  readonly documentIds: readonly string[];
}

/** Most sequences of an example, those of a teacher aside. */
const ownSequences: Readonly<Record<DocumentKind, number>> = {
  text: 1,
  dialogue: 1,
  pair: 2,
  retrieval: Number.POSITIVE_INFINITY,
};

/** Sequences of a teacher are not counted. */
export interface CorpusStatistics {
  /** Source documents. */
  documents: number;
  examples: number;
  sequences: number;
  tokens: number;
  /** Tokens that are predicted; the first of a sequence never is. */
  trainedTokens: number;
  /** Examples whose teacher has a prompt of its own. */
  withTeacherPrompt: number;
}

export class TokenCorpus {
  readonly arrays: TokenArrays;
  /** Examples of this corpus, by their number in the arrays, ascending. */
  readonly examples: Uint32Array;

  constructor(arrays: TokenArrays, examples?: Uint32Array) {
    this.arrays = arrays;
    this.examples = examples ?? Uint32Array.from(arrays.exampleDocuments.keys());
  }

  get kind(): DocumentKind {
    return this.arrays.kind;
  }

  /** Id of the source of an example. */
  documentId(example: number): string {
    return this.arrays.documentIds[this.arrays.exampleDocuments[example]!]!;
  }

  firstSequence(example: number): number {
    return this.arrays.exampleStarts[example]!;
  }

  sequenceCount(example: number): number {
    return this.arrays.exampleStarts[example + 1]! - this.arrays.exampleStarts[example]!;
  }

  /** Sequences of an example but for those of its teacher. */
  ownSequenceCount(example: number): number {
    return Math.min(this.sequenceCount(example), ownSequences[this.kind]);
  }

  /** What the teacher reads in place of a sequence of an example: that sequence itself, unless it has its own. */
  teacherSequence(example: number, sequence: number): number {
    const own = this.ownSequenceCount(example);
    return this.sequenceCount(example) > own ? sequence + own : sequence;
  }

  /** In tokens. */
  sequenceLength(sequence: number): number {
    return this.arrays.offsets[sequence + 1]! - this.arrays.offsets[sequence]!;
  }

  /** A view of the tokens of a sequence. */
  sequence(sequence: number): Uint16Array | Uint32Array {
    return this.arrays.tokens.subarray(this.arrays.offsets[sequence], this.arrays.offsets[sequence + 1]);
  }

  /** Tokens before the last run that is trained on: the prompt of the last answer. 0 where all is trained on. */
  promptLength(sequence: number): number {
    const { runs, runStarts } = this.arrays;
    const [from, to] = [runStarts[sequence]!, runStarts[sequence + 1]!];
    let length = 0;
    for (let i = from; i < to - 1; i++) length += runs[i]!;
    return length;
  }

  /** Calls `mark` with the bounds of each run of tokens that is trained on, within `from` ≤ token < `to`. */
  trainedRuns(sequence: number, from: number, to: number, mark: (from: number, to: number) => void): void {
    const { runs, runStarts } = this.arrays;
    const [first, end] = [runStarts[sequence]!, runStarts[sequence + 1]!];
    if (first === end) {
      if (from < to) mark(from, to);
      return;
    }
    let start = 0;
    for (let i = first; i < end && start < to; i++) {
      const next = start + runs[i]!;
      const isTrained = (i - first) % 2 === 1;
      const [runFrom, runTo] = [Math.max(start, from), Math.min(next, to)];
      if (isTrained && runFrom < runTo) mark(runFrom, runTo);
      start = next;
    }
  }

  /** Tokens that are trained on within `from` ≤ token < `to`. */
  trainedCount(sequence: number, from: number, to: number): number {
    let count = 0;
    this.trainedRuns(sequence, from, to, (start, end) => {
      count += end - start;
    });
    return count;
  }

  /** The same arrays, other examples. */
  subset(examples: Uint32Array): TokenCorpus {
    return new TokenCorpus(this.arrays, examples);
  }

  statistics(): CorpusStatistics {
    const documents = new Set<number>();
    const found = { sequences: 0, tokens: 0, trainedTokens: 0, withTeacherPrompt: 0 };
    for (const example of this.examples) {
      documents.add(this.arrays.exampleDocuments[example]!);
      const first = this.firstSequence(example);
      if (this.teacherSequence(example, first) !== first) found.withTeacherPrompt += 1;
      for (let sequence = first; sequence < first + this.ownSequenceCount(example); sequence++) {
        const length = this.sequenceLength(sequence);
        found.sequences += 1;
        found.tokens += length;
        found.trainedTokens += this.trainedCount(sequence, 1, length);
      }
    }
    return { documents: documents.size, examples: this.examples.length, ...found };
  }

  /** Identifies examples and tokens, for the position in the data. */
  get fingerprint(): string {
    const bytes = new Uint8Array(this.examples.buffer, this.examples.byteOffset, this.examples.byteLength);
    return createHash('sha256').update(this.arrays.key).update(bytes).digest('hex').slice(0, 16);
  }
}

/** `splitByDocument` for a corpus: no source document is on both sides. */
export function splitCorpus(
  corpus: TokenCorpus,
  validationFraction: number,
  seed: number,
): { training: TokenCorpus; validation: TokenCorpus } {
  const isHeldOut = heldOut(validationFraction, seed);
  const held = corpus.examples.filter((example) => isHeldOut(corpus.documentId(example)));
  const rest = corpus.examples.filter((example) => !isHeldOut(corpus.documentId(example)));
  requireBothSides(rest.length, held.length, validationFraction);
  return { training: corpus.subset(rest), validation: corpus.subset(held) };
}

/** @throws HaetaeError TRAINING_DATA_INVALID where a source document is in both. */
export function requireDisjoint(training: TokenCorpus, validation: TokenCorpus): void {
  const ids = new Set([...training.examples].map((example) => training.documentId(example)));
  const shared = new Set<string>();
  for (const example of validation.examples) {
    const id = validation.documentId(example);
    if (ids.has(id)) shared.add(id);
  }
  if (shared.size === 0) return;
  throw dataError(
    'data',
    `${shared.size} source documents are in both training and validation, '${[...shared][0]}' among them.`,
    'Remove them from one side, or name no validation files: a share is held out then.',
  );
}
