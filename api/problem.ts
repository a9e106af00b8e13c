/** The body of every error: RFC 9457 problem details, with the code of the error table and the request's id. */
import type { FastifyError } from 'fastify';
import { type ErrorCode, errorTable, HaetaeError, messageOf } from '../shared/errors.js';

export const problemMediaType = 'application/problem+json';

export interface FieldError {
  /** JSON pointer into the body, e.g. `/options/retrieval/topK`; empty for the body itself. */
  field: string;
  message: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  requestId: string;
  instance: string;
  /** Which fields did not fit, for `REQUEST_INVALID`. */
  errors?: FieldError[];
  /** Facts of the error, e.g. the row and the line of a bad question file. */
  data?: Readonly<Record<string, unknown>>;
}

/** The problem that `error` is to a client. What went wrong inside (5xx) is told by its title only. */
export function problemOf(error: unknown, requestId: string, instance: string): Problem {
  const known = error instanceof HaetaeError ? error : fromFramework(error);
  const problem: Problem = {
    type: `urn:haetae:problem:${known.code.toLowerCase().replaceAll('_', '-')}`,
    title: known.title,
    status: known.status,
    detail:
      known.status >= 500
        ? `${known.title}. The server's log tells more under this request id.`
        : known.message,
    code: known.code,
    requestId,
    instance,
  };
  if (known.status >= 500) return problem;
  const { errors, ...data } = known.data;
  if (Array.isArray(errors)) problem.errors = errors as FieldError[];
  if (Object.keys(data).length > 0) problem.data = data;
  return problem;
}

/** An error of Fastify, its plugins, or nobody in particular, as one of ours. */
function fromFramework(error: unknown): HaetaeError {
  const { statusCode = 500, validation, code = '' } = (error ?? {}) as Partial<FastifyError>;
  const as = (known: ErrorCode, message: string, data = {}) =>
    new HaetaeError(known, message, data, { cause: error });
  if (validation !== undefined) {
    const errors = validation.map(fieldErrorOf);
    const words = errors.map(({ field, message }) => `${field === '' ? 'the body' : field} ${message}`);
    return as('REQUEST_INVALID', `The request does not fit its schema: ${words.join('; ')}.`, { errors });
  }
  if (statusCode === 413) return as('REQUEST_TOO_LARGE', `${messageOf(error)}. Send less at once.`);
  if (statusCode === 415) {
    return as('UNSUPPORTED_MEDIA_TYPE', `${messageOf(error)}. See /docs for what this path accepts.`);
  }
  if (statusCode >= 400 && statusCode < 500) {
    return as('REQUEST_INVALID', `${messageOf(error)}${code === '' ? '' : ` (${code})`}`);
  }
  return as('INTERNAL', errorTable.INTERNAL.title);
}

function fieldErrorOf(item: NonNullable<FastifyError['validation']>[number]): FieldError {
  const { additionalProperty, missingProperty, allowedValue } = item.params as Record<string, unknown>;
  const inner = additionalProperty ?? missingProperty;
  const field = inner === undefined ? item.instancePath : `${item.instancePath}/${String(inner)}`;
  if (additionalProperty !== undefined) return { field, message: 'is not known here' };
  if (missingProperty !== undefined) return { field, message: 'is missing' };
  if (allowedValue !== undefined) return { field, message: `must be ${JSON.stringify(allowedValue)}` };
  return { field, message: item.message ?? 'does not fit' };
}
