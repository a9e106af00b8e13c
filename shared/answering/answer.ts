/** The contract of answering: what every caller (API, batch, evaluation) asks and gets. */
import Type, { type Static } from 'typebox';
import { Classification, QuestionType } from '../question/question.js';
import { RetrieveOptions } from '../retrieval/retriever.js';

export const AnswerOptions = Type.Object(
  {
    retrieval: Type.Optional(RetrieveOptions),
    deadlineMs: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 600_000, description: 'Budget of this question, milliseconds' }),
    ),
  },
  { additionalProperties: false },
);
export type AnswerOptions = Static<typeof AnswerOptions>;

export const Citation = Type.Object({
  chunkId: Type.String(),
  title: Type.String(),
  section: Type.String(),
  source: Type.String(),
  url: Type.String(),
  publisher: Type.String(),
  licence: Type.String(),
  effective: Type.String(),
  score: Type.Number({ description: 'Fused retrieval score, 0..1' }),
  evidence: Type.String({ description: 'The sentence of the chunk that supports the answer' }),
});
export type Citation = Static<typeof Citation>;

export const ScoredChoice = Type.Object({
  number: Type.Integer(),
  text: Type.String(),
  probability: Type.Number({ minimum: 0, maximum: 1, description: 'That this is the choice to pick' }),
  support: Type.Number({ description: 'How well the evidence supports the statement, before negation' }),
});
export type ScoredChoice = Static<typeof ScoredChoice>;

export const AnswerTimings = Type.Object({
  classificationMs: Type.Number(),
  retrievalMs: Type.Number(),
  inferenceMs: Type.Number(),
  totalMs: Type.Number(),
});
export type AnswerTimings = Static<typeof AnswerTimings>;

/** Tokens of the language model, where one took part. */
export const AnswerUsage = Type.Object({
  promptTokens: Type.Integer({ minimum: 0 }),
  cachedTokens: Type.Integer({ minimum: 0, description: 'Prompt tokens found in the prefix cache' }),
  completionTokens: Type.Integer({ minimum: 0, description: 'Tokens generated, or scored as choices' }),
});
export type AnswerUsage = Static<typeof AnswerUsage>;

export const AnswerResult = Type.Object({
  answer: Type.String({ description: 'The choice number, or the text of an open answer' }),
  confidence: Type.Number({ minimum: 0, maximum: 1 }),
  usedFallback: Type.Boolean(),
  errorMessage: Type.Optional(Type.String({ description: 'Why the fallback answered' })),
  classification: Classification,
  choices: Type.Array(ScoredChoice),
  citations: Type.Array(Citation),
  timings: AnswerTimings,
  usage: Type.Optional(AnswerUsage),
  bundleId: Type.String(),
});
export type AnswerResult = Static<typeof AnswerResult>;

/** One line of a batch's NDJSON (DESIGN `SubmissionRow`). */
export const SubmissionRow = Type.Object({
  id: Type.String(),
  answer: Type.String(),
  confidence: Type.Number({ minimum: 0, maximum: 1 }),
  inferenceTimeMs: Type.Number({ minimum: 0 }),
  usedFallback: Type.Boolean(),
  errorMessage: Type.Optional(Type.String()),
  questionType: QuestionType,
  citations: Type.Array(Citation),
});
export type SubmissionRow = Static<typeof SubmissionRow>;

/** What a client that streams hears before the final result. */
export type AnswerEvent =
  | { type: 'classification'; classification: Classification }
  /** Passages were found: what the answer may cite. */
  | { type: 'retrieval'; passages: { chunkId: string; title: string; section: string; score: number }[] }
  /** A piece of an open answer's text. */
  | { type: 'token'; text: string }
  /** What was streamed so far does not stand: the fallback answers, or the text was refused. */
  | { type: 'discard'; reason: string };

/** Answers questions; never rejects for a question's own sake (the fallback answers), only for `signal`. */
export interface Answerer {
  answer(
    question: string,
    options?: AnswerOptions,
    signal?: AbortSignal,
    onEvent?: (event: AnswerEvent) => void,
  ): Promise<AnswerResult>;
}
