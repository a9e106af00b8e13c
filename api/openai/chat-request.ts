/** `POST /v1/chat/completions`: what may be asked, and what it means to the student. */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { ChatRequest } from '../../shared/bundle/runtime.js';
import { HaetaeError } from '../../shared/errors.js';
import type { ChatMessage } from '../../shared/lm/chat-template.js';
import { faultOf } from '../text-check.js';
import { Messages, readMessages } from './chat-messages.js';
import { refusal } from './open-ai-error.js';
import { checkedFields, type FieldRules, fieldsOf } from './request-fields.js';

const maxStops = 4;
const maxStopLength = 1_000;
/** Tokens made at most where the request does not say, unless a quarter of the context is less. */
const defaultMaxTokens = 512;
/** No token of a common vocabulary is longer: what has more characters than this does not fit, uncounted. */
const maxCharactersPerToken = 128;
const mostTokens = 2 ** 31 - 1;
/** The least `top_p`: 0 means the likeliest token alone, which this keeps. */
const leastTopP = 1e-6;

const Scalars = Type.Object(
  {
    model: Type.String({ description: 'The id of the active bundle, or `haetae`', examples: ['haetae'] }),
    stream: Type.Optional(Type.Boolean({ default: false })),
    stream_options: Type.Optional(
      Type.Object({
        include_usage: Type.Optional(Type.Boolean({ description: 'A last chunk carries the usage' })),
        include_obfuscation: Type.Optional(Type.Boolean({ description: 'Ignored' })),
      }),
    ),
    max_completion_tokens: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: mostTokens,
        description: `Tokens to make at most; default ${defaultMaxTokens}, or a quarter of the context if that is less`,
      }),
    ),
    max_tokens: Type.Optional(
      Type.Integer({ minimum: 1, maximum: mostTokens, description: 'The same, under its older name' }),
    ),
    temperature: Type.Optional(
      Type.Number({ minimum: 0, maximum: 2, default: 0.3, description: '0: always the likeliest token' }),
    ),
    top_p: Type.Optional(Type.Number({ minimum: 0, maximum: 1, default: 1 })),
    top_k: Type.Optional(
      Type.Integer({ minimum: -1, maximum: 1_000_000, default: 0, description: '0 or -1: all' }),
    ),
    repetition_penalty: Type.Optional(Type.Number({ minimum: 0.01, maximum: 10, default: 1 })),
    seed: Type.Optional(
      Type.Integer({
        minimum: Number.MIN_SAFE_INTEGER,
        maximum: Number.MAX_SAFE_INTEGER,
        default: 0,
        description: 'Equal requests with equal seeds give equal outputs',
      }),
    ),
    logprobs: Type.Optional(Type.Boolean({ default: false })),
    top_logprobs: Type.Optional(Type.Integer({ minimum: 0, maximum: 20, description: 'Needs `logprobs`' })),
  },
  { additionalProperties: false },
);
const scalars = Compile(Scalars);

/** For the documentation; requests are read by `readChatRequest`, which says more of what is wrong. */
export const ChatCompletionRequest = Type.Object({
  ...Scalars.properties,
  messages: Messages,
  stop: Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1, maxItems: maxStops })]),
  ),
});

const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0;
const isZero = (value: unknown) => value === 0;
const isFalse = (value: unknown) => value === false;

const rules: FieldRules = {
  known: new Set(Object.keys(ChatCompletionRequest.properties)),
  ignored: new Set([
    'user',
    'metadata',
    'store',
    'service_tier',
    'parallel_tool_calls',
    'prediction',
    'prompt_cache_key',
    'prompt_cache_retention',
    'reasoning_effort',
    'safety_identifier',
    'verbosity',
  ]),
  refused: new Map([
    ['n', (value) => value === 1],
    ['tools', isEmptyList],
    ['functions', isEmptyList],
    ['tool_choice', (value) => value === 'none' || value === 'auto'],
    ['function_call', (value) => value === 'none' || value === 'auto'],
    ['response_format', (value) => (value as { type?: unknown } | undefined)?.type === 'text'],
    ['logit_bias', (value) => typeof value === 'object' && Object.keys(value as object).length === 0],
    ['presence_penalty', isZero],
    ['frequency_penalty', isZero],
    ['modalities', (value) => Array.isArray(value) && value.length === 1 && value[0] === 'text'],
    ['audio', () => false],
    ['web_search_options', () => false],
    ['moderation', isFalse],
  ]),
};

export interface ReadChat {
  model: string;
  stream: boolean;
  includeUsage: boolean;
  /** Null: none are reported. */
  topLogprobs: number | null;
  /** The request to a student with a context of `contextLength` tokens. Throws `LM_CONTEXT_EXCEEDED`. */
  requestFor(contextLength: number): ChatRequest;
}

/** Throws `REQUEST_INVALID` that names the first field that does not fit. */
export function readChatRequest(body: unknown): ReadChat {
  const fields = fieldsOf(body, rules);
  const given = checkedFields<typeof Scalars, Static<typeof Scalars>>(fields, Scalars, scalars);
  const messages = readMessages(fields.get('messages'));
  const stop = readStop(fields.get('stop'));
  const maxTokens = maxTokensOf(given);
  if (given.stream_options !== undefined && given.stream !== true)
    throw refusal('stream_options', 'invalid_value', "'stream_options' needs 'stream' to be true.");
  if (given.top_logprobs !== undefined && given.logprobs !== true)
    throw refusal('top_logprobs', 'invalid_value', "'top_logprobs' needs 'logprobs' to be true.");
  const topLogprobs = given.logprobs === true ? (given.top_logprobs ?? 0) : null;
  const { temperature, top_p: topP, top_k: topK, repetition_penalty: repetitionPenalty, seed } = given;
  return {
    model: given.model,
    stream: given.stream ?? false,
    includeUsage: given.stream_options?.include_usage ?? false,
    topLogprobs,
    requestFor: (contextLength) => {
      refuseHopeless(messages, contextLength);
      return {
        messages,
        stop,
        maxNewTokens: maxTokens ?? Math.max(1, Math.min(defaultMaxTokens, Math.floor(contextLength / 4))),
        ...(temperature === undefined ? {} : { temperature }),
        ...(topP === undefined ? {} : { topP: Math.max(leastTopP, topP) }),
        ...(topK === undefined ? {} : { topK: Math.max(0, topK) }),
        ...(repetitionPenalty === undefined ? {} : { repetitionPenalty }),
        ...(seed === undefined ? {} : { seed }),
        ...(topLogprobs === null ? {} : { topLogprobs }),
      };
    },
  };
}

/** Tokenising a million characters takes seconds; where it cannot help, it is not begun. */
function refuseHopeless(messages: readonly ChatMessage[], contextLength: number): void {
  const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
  if (characters <= contextLength * maxCharactersPerToken) return;
  throw new HaetaeError(
    'LM_CONTEXT_EXCEEDED',
    `The messages have ${characters} characters; they cannot fit the context of ${contextLength} tokens. Shorten them.`,
  );
}

function maxTokensOf(given: Static<typeof Scalars>): number | undefined {
  const { max_tokens: older, max_completion_tokens: newer } = given;
  if (older !== undefined && newer !== undefined && older !== newer) {
    throw refusal(
      'max_tokens',
      'invalid_value',
      `'max_tokens' is ${older} and 'max_completion_tokens' is ${newer}. Send one of them.`,
    );
  }
  return newer ?? older;
}

function readStop(value: unknown): string[] {
  if (value === undefined) return [];
  const stops: unknown[] = Array.isArray(value) ? value : [value];
  const fits = (stop: unknown): stop is string =>
    typeof stop === 'string' && stop !== '' && faultOf(stop, maxStopLength) === undefined;
  if (stops.length <= maxStops && stops.every(fits)) return stops;
  throw refusal(
    'stop',
    'invalid_value',
    `'stop' must be a text or a list of at most ${maxStops} texts, each of 1 to ${maxStopLength} characters.`,
  );
}
