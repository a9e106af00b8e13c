/** What training reads: one document of a data file, in one of four forms. */
import type { ChatMessage } from '../../shared/lm/chat-template.js';

interface Located {
  /**
   * The source this comes from. Several documents may share one (questions about one statute): training and
   * validation never do.
   */
  readonly documentId: string;
  /** `file:line` for messages to people. */
  readonly where: string;
}

/** Running text: every token is learnt. */
export interface TextDocument extends Located {
  readonly kind: 'text';
  readonly text: string;
}

interface Taught {
  /** What a teacher reads in place of the prompt, where it sees more. Its last message is not the assistant's. */
  readonly teacherPrompt?: readonly ChatMessage[];
}

/** A conversation, or a prompt and its response as two messages: what the assistant says is learnt. */
export interface DialogueDocument extends Located, Taught {
  readonly kind: 'dialogue';
  /** The last is the assistant's. */
  readonly messages: readonly ChatMessage[];
}

/** One prompt with the teacher's response (chosen) and the student's (rejected), for distillation. */
export interface PairDocument extends Located, Taught {
  readonly kind: 'pair';
  readonly promptId: string;
  readonly prompt: readonly ChatMessage[];
  readonly chosen: string;
  readonly rejected: string;
}

/** A query, a passage that answers it, and passages that do not, for encoders. */
export interface RetrievalDocument extends Located {
  readonly kind: 'retrieval';
  readonly query: string;
  readonly positive: string;
  readonly negatives: readonly string[];
}

export type TrainingDocument = TextDocument | DialogueDocument | PairDocument | RetrievalDocument;
export type DocumentKind = TrainingDocument['kind'];

/** The JSON fields of each kind, for messages. */
export const formsOf: Readonly<Record<DocumentKind, string>> = {
  text: '{text}',
  dialogue: '{prompt, response} or {messages}',
  pair: '{promptId, prompt, chosen, rejected}',
  retrieval: '{query, positive, negatives?}',
};
