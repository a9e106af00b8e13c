/** The replies of the routes under `/v1`, as OpenAI defines them. */
import Type, { type TSchema } from 'typebox';

const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const Logprob = Type.Object({
  token: Type.String(),
  logprob: Type.Number({ description: 'Natural logarithm' }),
  bytes: orNull(Type.Array(Type.Integer())),
});

const Logprobs = orNull(
  Type.Object({
    content: Type.Array(Type.Object({ ...Logprob.properties, top_logprobs: Type.Array(Logprob) })),
    refusal: Type.Null(),
  }),
);

const FinishReason = Type.Enum(['stop', 'length']);

const Usage = Type.Object({
  prompt_tokens: Type.Integer(),
  completion_tokens: Type.Integer(),
  total_tokens: Type.Integer(),
  prompt_tokens_details: Type.Object({
    cached_tokens: Type.Integer({ description: 'Found in the prefix cache' }),
  }),
});

const head = {
  id: Type.String(),
  created: Type.Integer({ description: 'Unix time, seconds' }),
  model: Type.String({ description: 'Id of the bundle' }),
  system_fingerprint: Type.String({ description: 'Id of the bundle' }),
};

export const ChatCompletion = Type.Object({
  ...head,
  object: Type.Literal('chat.completion'),
  choices: Type.Array(
    Type.Object({
      index: Type.Literal(0),
      message: Type.Object({
        role: Type.Literal('assistant'),
        content: Type.String(),
        refusal: Type.Null(),
      }),
      logprobs: Logprobs,
      finish_reason: FinishReason,
    }),
  ),
  usage: Usage,
});

export const ChatCompletionChunk = Type.Object({
  ...head,
  object: Type.Literal('chat.completion.chunk'),
  choices: Type.Array(
    Type.Object({
      index: Type.Literal(0),
      delta: Type.Object({
        role: Type.Optional(Type.Literal('assistant')),
        content: Type.Optional(Type.String()),
        refusal: Type.Optional(Type.Null()),
      }),
      logprobs: Logprobs,
      finish_reason: orNull(FinishReason),
    }),
  ),
  usage: Type.Optional(orNull(Usage)),
});

export const EmbeddingList = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(
    Type.Object({
      object: Type.Literal('embedding'),
      index: Type.Integer({ minimum: 0 }),
      embedding: Type.Union([Type.Array(Type.Number()), Type.String({ contentEncoding: 'base64' })]),
    }),
  ),
  model: Type.String({ description: 'Id of the bundle' }),
  usage: Type.Object({ prompt_tokens: Type.Integer(), total_tokens: Type.Integer() }),
});

export const Model = Type.Object({
  id: Type.String(),
  object: Type.Literal('model'),
  created: Type.Integer({ description: 'When the bundle was made; Unix time, seconds' }),
  owned_by: Type.String(),
});

export const OpenAiError = Type.Object(
  {
    error: Type.Object({
      message: Type.String(),
      type: Type.Enum(['invalid_request_error', 'server_error']),
      param: orNull(Type.String({ description: 'The field that is wrong, e.g. `messages[0].content`' })),
      code: Type.String({
        description:
          'A word of OpenAI where it has one (`model_not_found`, `context_length_exceeded`, `unsupported_parameter`, …), else a code of `Problem`',
      }),
    }),
  },
  { description: 'An error as clients of OpenAI read it' },
);
