/**
 * Messages between the API process and an engine process (IPC of `child_process.fork`, serialised by
 * structured clone).
 *
 *     API                        engine
 *     load {options}      ──▶
 *                         ◀──    ready {info}            or  failed {error}, then exit
 *     request {id, …}     ──▶
 *                         ◀──    result {id, value}      or  error {id, error}
 *     cancel {id}         ──▶    (the request is answered all the same, by an error)
 *     ping {seq}          ──▶
 *                         ◀──    pong {seq, rssBytes}    an engine stuck in native code does not reply
 *     stop                ──▶    closes the runtime and exits; so does a lost parent
 */
import type { AnswerOptions, AnswerResult } from '../../shared/answering/answer.js';
import type { LoadOptions, RuntimeInfo } from '../../shared/bundle/runtime.js';
import { type ErrorCode, HaetaeError, errorTable, messageOf } from '../../shared/errors.js';
import type { Retrieval, RetrieveOptions } from '../../shared/retrieval/retriever.js';

export interface Operations {
  retrieve: { text: string; options: RetrieveOptions | undefined; value: Retrieval };
  answer: { text: string; options: AnswerOptions | undefined; value: AnswerResult };
}

export type Op = keyof Operations;

export type Request<O extends Op = Op> = {
  [K in O]: { op: K; text: string; options: Operations[K]['options'] };
}[O];

export type ToEngine =
  | { type: 'load'; options: LoadOptions }
  | { type: 'request'; id: number; request: Request }
  | { type: 'cancel'; id: number }
  | { type: 'ping'; seq: number }
  | { type: 'stop' };

export type FromEngine =
  | { type: 'ready'; info: RuntimeInfo }
  | { type: 'failed'; error: WireError }
  | { type: 'result'; id: number; value: Operations[Op]['value'] }
  | { type: 'error'; id: number; error: WireError }
  | { type: 'pong'; seq: number; rssBytes: number };

/** An error as it crosses the process boundary: its code survives, its class is restored by `fromWire`. */
export interface WireError {
  code: ErrorCode;
  message: string;
  stack: string | undefined;
}

export function toWire(error: unknown): WireError {
  return {
    code: error instanceof HaetaeError ? error.code : 'INTERNAL',
    message: messageOf(error),
    stack: error instanceof Error ? error.stack : undefined,
  };
}

export function fromWire(wire: WireError): HaetaeError {
  const code = Object.hasOwn(errorTable, wire.code) ? wire.code : 'INTERNAL';
  const error = new HaetaeError(code, wire.message);
  if (wire.stack !== undefined) error.stack = wire.stack;
  return error;
}
