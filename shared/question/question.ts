/** The contract of the classifier. */
import Type, { type Static } from 'typebox';

export const QuestionType = Type.Union([Type.Literal('multiple-choice'), Type.Literal('open')]);
export type QuestionType = Static<typeof QuestionType>;

export const Choice = Type.Object({
  number: Type.Integer({ minimum: 1, maximum: 99, description: 'As written: 1-based' }),
  text: Type.String(),
});
export type Choice = Static<typeof Choice>;

export const Domain = Type.Union([
  Type.Literal('law'),
  Type.Literal('security'),
  Type.Literal('finance'),
  Type.Literal('management'),
  Type.Literal('general'),
]);
export type Domain = Static<typeof Domain>;

export const Classification = Type.Object({
  questionType: QuestionType,
  stem: Type.String({ description: 'The question without its choices' }),
  choices: Type.Array(Choice),
  negated: Type.Boolean({ description: 'The stem asks for the false, missing or least fitting choice' }),
  domain: Domain,
  confidence: Type.Number({ minimum: 0, maximum: 1 }),
});
export type Classification = Static<typeof Classification>;
