/** `prompts.jsonl`: what a model is asked about a question, exactly as the API asks it. */
import Type, { type Static } from 'typebox';
import { splits } from './qa-pair.js';

/** As the modes of answering (see `student-prompt.ts`): `verify` asks about one choice at a time. */
export const promptTasks = ['label', 'continuation', 'verify', 'open'] as const;
export type PromptTask = (typeof promptTasks)[number];

const Messages = (description: string) =>
  Type.Array(
    Type.Object({
      role: Type.Union([Type.Literal('system'), Type.Literal('user')]),
      content: Type.String(),
    }),
    { minItems: 1, description },
  );

export const TaskPrompt = Type.Object(
  {
    promptId: Type.String({
      minLength: 1,
      description: '`<qaId>/<task>`, of verify `<qaId>/verify/<number>`',
    }),
    qaId: Type.String({ minLength: 1 }),
    task: Type.Unsafe<PromptTask>(Type.Enum([...promptTasks])),
    split: Type.Unsafe<(typeof splits)[number]>(Type.Enum([...splits])),
    documentId: Type.String({ minLength: 1 }),
    messages: Messages('Without the answer'),
    formatPrompt: Type.String({ description: 'The messages as the chat template writes them' }),
    teacherPrompt: Type.Optional(
      Type.String({
        description:
          'What a teacher is asked that sees more: the source and the true statement. Same answers as formatPrompt',
      }),
    ),
    teacherMessages: Type.Optional(
      Messages(
        'The messages of teacherPrompt; default: it is one of the user, for models without a template',
      ),
    ),
    reference: Type.String({ minLength: 1, description: 'The right answer: `3`, `O`, `X`, or words' }),
  },
  { additionalProperties: false },
);
export type TaskPrompt = Static<typeof TaskPrompt>;

/** What the teacher is asked in place of `messages`; undefined where it sees no more than the student. */
export function teacherMessagesOf({
  teacherPrompt,
  teacherMessages,
}: TaskPrompt): TaskPrompt['messages'] | undefined {
  if (teacherMessages || teacherPrompt === undefined) return teacherMessages;
  return [{ role: 'user', content: teacherPrompt }];
}
