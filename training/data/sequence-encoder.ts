/** How documents become token sequences; `decoder-encoder.ts` and `retrieval-encoder.ts` are the two ways. */
import type { Tokenizer } from '../../shared/lm/tokenizer.js';
import type { DocumentKind, TrainingDocument } from './training-document.js';

/** A piece of a sequence: text that is tokenised by itself, or tokens. */
export type SequencePart =
  | { readonly text: string; readonly isTrained: boolean }
  | { readonly ids: readonly number[]; readonly isTrained: boolean };

export interface SequenceEncoder {
  /** Hash of all that decides the tokens: tokenizer, template, options. */
  readonly key: string;
  readonly kinds: readonly DocumentKind[];
  readonly tokenizer: Tokenizer;
  /** Whether the tokenizer's post-processor adds its own tokens to each text. */
  readonly addSpecialTokens: boolean;
  /** Ids lie below: rows of the model's embedding. */
  readonly vocabSize: number;
  /**
   * Sequences of a document: one for text and dialogues; chosen, rejected for pairs; query, positive, negatives for
   * retrieval. Behind those of dialogues and pairs, where they are wanted, the same for a teacher that sees more.
   * @throws HaetaeError TRAINING_DATA_INVALID where the chat template refuses it.
   */
  sequences(document: TrainingDocument): readonly (readonly SequencePart[])[];
}
