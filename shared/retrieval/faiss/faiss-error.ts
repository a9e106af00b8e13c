/** Errors of the native layer as errors of the table. The addon sets `code`; faiss-node does not. */
import { type ErrorCode, HaetaeError, messageOf } from '../../errors.js';

const codes: ReadonlySet<unknown> = new Set<ErrorCode>([
  'FAISS_ERROR',
  'FILE_NOT_FOUND',
  'INDEX_INVALID',
  'RETRIEVAL_DIM_MISMATCH',
  'RETRIEVAL_PARAMETER',
]);

/** `context` goes before the message, e.g. the path of the index. */
export function toFaissError(error: unknown, context?: string): HaetaeError {
  if (error instanceof HaetaeError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  const message = context === undefined ? messageOf(error) : `${context}: ${messageOf(error)}`;
  return new HaetaeError(
    codes.has(code) ? (code as ErrorCode) : 'FAISS_ERROR',
    message,
    {},
    { cause: error },
  );
}
