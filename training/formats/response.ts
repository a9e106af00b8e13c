/** `responses.teacher.jsonl`, `responses.student.jsonl`: what a model answered to a prompt. */
import Type, { type Static } from 'typebox';

export const Response = Type.Object(
  {
    promptId: Type.String({ minLength: 1 }),
    prompt: Type.String({ description: 'The last user message' }),
    formatPrompt: Type.String({ description: 'The prompt as the chat template writes it' }),
    generatedText: Type.String(),
    model: Type.String({ description: 'Folder or name; `statute`' }),
    finishReason: Type.Union([Type.Literal('stop'), Type.Literal('length'), Type.Literal('reference')], {
      description: '`reference`: the answer of the question itself, no model was asked',
    }),
  },
  { additionalProperties: false },
);
export type Response = Static<typeof Response>;
