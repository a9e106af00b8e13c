/** `pairs.train.jsonl`, `pairs.validation.jsonl`: both responses to a prompt, what `haetae train distill` reads. */
import Type, { type Static } from 'typebox';

const Conversation = (description: string, minItems = 2) =>
  Type.Array(
    Type.Object({
      role: Type.Union([Type.Literal('system'), Type.Literal('user'), Type.Literal('assistant')]),
      content: Type.String(),
    }),
    { minItems, description },
  );

export const ResponsePair = Type.Object(
  {
    promptId: Type.String({ minLength: 1 }),
    prompt: Type.String({ description: 'The last user message' }),
    chosen: Conversation("The messages, then the teacher's response"),
    rejected: Conversation("The same messages, then the student's response"),
    teacherPrompt: Type.Optional(
      Conversation('What the teacher reads in place of the messages, where it sees more', 1),
    ),
    source: Type.String({ minLength: 1, description: 'The document: no two splits share one' }),
  },
  { additionalProperties: false },
);
export type ResponsePair = Static<typeof ResponsePair>;
