/** `qa.jsonl`: a question with its answer, and the chunks it was written from. */
import Type, { type Static } from 'typebox';

export const splits = ['train', 'calibration', 'validation'] as const;
export type Split = (typeof splits)[number];

/** What a choice says, beside the truth: a student learns from it to judge one choice at a time. */
export const ChoiceStatement = Type.Object(
  {
    isTrue: Type.Boolean({
      description: 'Whether the choice is right of itself, whatever the stem asks for',
    }),
    source: Type.String({
      minLength: 1,
      description:
        'Sentence of the documents that it was made from; of a false choice: the one that contradicts it',
    }),
  },
  { additionalProperties: false },
);
export type ChoiceStatement = Static<typeof ChoiceStatement>;

export const QaPair = Type.Object(
  {
    qaId: Type.String({
      minLength: 1,
      description: 'Unique in the file; the same for the same seed and chunks',
    }),
    question: Type.String({ minLength: 1, description: 'The stem, without choices' }),
    answer: Type.String({ minLength: 1, description: 'Number of the right choice, from 1; else the answer' }),
    choices: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), { minItems: 2, maxItems: 10, description: 'In order' }),
    ),
    statements: Type.Optional(
      Type.Array(ChoiceStatement, {
        minItems: 2,
        maxItems: 10,
        description: 'One of each choice, in order; absent where that is not known',
      }),
    ),
    explanation: Type.Optional(
      Type.String({ description: 'Why: for multiple choice the text that makes the right choice right' }),
    ),
    negated: Type.Boolean({ description: 'Whether the stem asks for the false choice' }),
    form: Type.String({
      description: 'How it was composed, e.g. `definition`, `penalty`; `model` of a model',
    }),
    contextChunkIds: Type.Array(Type.String(), { minItems: 1 }),
    documentId: Type.String({
      minLength: 1,
      description: 'Document it is of, whatever its version: the split key',
    }),
    domain: Type.String({ description: 'Of the chunk' }),
    split: Type.Union([Type.Literal('train'), Type.Literal('calibration'), Type.Literal('validation')]),
    teacherModel: Type.String({ description: '`statute`, or the name of the model' }),
    overallQualityScore: Type.Number({ minimum: 0, maximum: 10 }),
    difficultyLevel: Type.Integer({
      minimum: 1,
      maximum: 5,
      description: 'By form and distractors; 5: hardest',
    }),
    studentLoss: Type.Optional(
      Type.Number({ minimum: 0, description: 'Of the student on the answer, nats a token' }),
    ),
  },
  { additionalProperties: false },
);
export type QaPair = Static<typeof QaPair>;

/** What a teacher writes; `synthesize` adds the rest. */
export type QaDraft = Omit<QaPair, 'split' | 'overallQualityScore' | 'teacherModel' | 'studentLoss'>;
