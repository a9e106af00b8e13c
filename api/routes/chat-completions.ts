/**
 * `POST /v1/chat/completions`: the student of the bundle, as OpenAI's clients talk to a model. Whole, or as
 * server-sent events while it is made (`stream`).
 */
import type { GenerateEvent } from '../../shared/lm/language-model.js';
import type { App, Services } from '../app.js';
import { clientSignal } from '../client-signal.js';
import { startDeadline } from '../deadline.js';
import { eventFrame, eventStreamMediaType, replyWithEvents } from '../event-stream.js';
import { ChatCompletionRequest, readChatRequest } from '../openai/chat-request.js';
import { type CompletionHead, chunksOf, completionOf } from '../openai/chat-response.js';
import { openAiErrorOf } from '../openai/open-ai-error.js';
import { servedStudent } from '../openai/served-model.js';
import { problemFor } from '../plugins/error-replies.js';
import { textsBodyLimitBytes } from '../plugins/json-body.js';
import { openAiErrors, ref } from '../schemas/components.js';

const chunkExample =
  'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"접근매체는"},"logprobs":null,"finish_reason":null}], …}\n\n' +
  'data: [DONE]\n\n';

const schema = {
  tags: ['openai'],
  summary: 'Complete a chat',
  description:
    "What can be honoured of OpenAI's parameters is; a parameter that would change the reply and cannot be is a 400 " +
    'that names it (`tools`, `response_format` other than text, `n` above 1, `logit_bias`, penalties other than 0, ' +
    'audio, images); those without effect on the reply (`user`, `metadata`, `store`, …) are taken. `top_k` and ' +
    '`repetition_penalty` as in vLLM. With `stream` the reply is a stream of `ChatCompletionChunk`, then `[DONE]`; ' +
    'what fails after the first chunk is sent as a chunk with `error`.',
  body: ChatCompletionRequest,
  response: {
    200: {
      description: 'The completion',
      content: {
        'application/json': { schema: ref('ChatCompletion') },
        [eventStreamMediaType]: {
          schema: { type: 'string', examples: [chunkExample] },
        },
      },
    },
    ...openAiErrors(
      'REQUEST_INVALID',
      'LM_REQUEST_INVALID',
      'LM_CONTEXT_EXCEEDED',
      'NOT_FOUND',
      'REQUEST_TOO_LARGE',
      'UNSUPPORTED_MEDIA_TYPE',
      'MODEL_NOT_LOADED',
      'ENGINE_UNAVAILABLE',
      'ENGINE_CRASHED',
      'ENGINE_BUSY',
      'ENGINE_TIMEOUT',
    ),
  },
};

export function addChatCompletions(app: App, { engine, clock, config }: Services): void {
  const options = { schema, bodyLimit: textsBodyLimitBytes, validatorCompiler: () => () => true };
  app.post('/chat/completions', options, async (request, reply) => {
    const asked = readChatRequest(request.body);
    const { bundleId, student } = servedStudent(engine, asked.model);
    const withLogprobs = asked.topLogprobs !== null;
    const head: CompletionHead = {
      id: `chatcmpl-${request.id}`,
      created: Math.floor(Date.now() / 1_000),
      model: bundleId,
    };
    const signal = clientSignal(reply);
    async function* generate(): AsyncGenerator<GenerateEvent, void, undefined> {
      const deadline = startDeadline(clock, config.chatDeadlineMs, signal);
      try {
        // Another bundle may serve by the time that the request has its turn.
        yield* engine.chat(asked.requestFor(student.contextLength), deadline.signal, (info) => {
          head.model = info.bundleId;
        });
      } finally {
        deadline.end();
      }
    }
    if (!asked.stream) return completionOf(generate(), head, withLogprobs);
    const lastFrame = (error: unknown) => eventFrame(openAiErrorOf(problemFor(error, request)));
    const chunks = chunksOf(generate(), head, { withLogprobs, includeUsage: asked.includeUsage });
    return replyWithEvents(reply, chunks, { clock, lastFrame });
  });
}
