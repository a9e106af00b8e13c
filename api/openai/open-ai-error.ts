/**
 * Errors under `/v1`, in the form that OpenAI's clients read: `{"error": {message, type, param, code}}`.
 *
 * They are the errors of the one table all the same, with the same status; `code` is OpenAI's word where it has
 * one that clients know (`model_not_found`, `context_length_exceeded`, …), else the table's.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, HaetaeError } from '../../shared/errors.js';
import { problemFor } from '../plugins/error-replies.js';
import type { Problem } from '../problem.js';

export interface OpenAiErrorBody {
  error: { message: string; type: string; param: string | null; code: string };
}

/** Where everything of this form lives. */
export const openAiPrefix = '/v1';

export function isOpenAiPath(url: string): boolean {
  return /^\/v1(?:[/?#]|$)/u.test(url);
}

/** A request that is wrong in `param` (e.g. `messages[0].content`). `code` is OpenAI's word for the kind. */
export function refusal(
  param: string | null,
  code: 'invalid_value' | 'missing_required_parameter' | 'unknown_parameter' | 'unsupported_parameter',
  message: string,
): HaetaeError {
  return new HaetaeError('REQUEST_INVALID', message, { param, openAiCode: code });
}

export function modelNotFound(name: string, known: readonly string[]): HaetaeError {
  return new HaetaeError(
    'NOT_FOUND',
    `There is no model ${JSON.stringify(name.slice(0, 100))} here. Models: ${known.join(', ')}.`,
    { param: 'model', openAiCode: 'model_not_found' },
  );
}

const wordsOfOpenAi: Partial<Record<ErrorCode, string>> = {
  LM_CONTEXT_EXCEEDED: 'context_length_exceeded',
};

export function openAiErrorOf({ code, status, detail, data = {} }: Problem): OpenAiErrorBody {
  const { param, openAiCode } = data;
  return {
    error: {
      message: detail,
      type: status >= 500 ? 'server_error' : 'invalid_request_error',
      param: typeof param === 'string' ? param : null,
      code: typeof openAiCode === 'string' ? openAiCode : (wordsOfOpenAi[code] ?? code),
    },
  };
}

export function replyWithOpenAiError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const problem = problemFor(error, request);
  if (problem.status === 503) reply.header('retry-after', '2');
  // Another try finds the same bundle.
  if (problem.code === 'MODEL_NOT_LOADED') reply.header('x-should-retry', 'false');
  return reply
    .code(problem.status)
    .header('x-request-id', request.id)
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(openAiErrorOf(problem));
}
