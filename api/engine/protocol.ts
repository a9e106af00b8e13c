/**
 * Messages between the API process and an engine process (IPC of `child_process.fork`, serialised by
 * structured clone).
 *
 *     API                        engine
 *                         ◀──    begun                   it listens; what is sent before may be heard by nobody
 *     load {options}      ──▶
 *                         ◀──    ready {info}            or  failed {error}, then exit
 *     request {id, …}     ──▶
 *                         ◀──    parts {id, parts}       any number, in order; of operations that stream
 *                         ◀──    result {id, value}      or  error {id, error}
 *     cancel {id}         ──▶    (the request is answered all the same, by an error)
 *     ping {seq}          ──▶
 *                         ◀──    pong {seq, …}           an engine stuck in native code does not reply
 *     stop                ──▶    closes the runtime and exits; so does a lost parent
 *
 * While the channel is full, parts gather in the engine and go as one message when it has drained.
 */
import type { AnswerEvent, AnswerOptions, AnswerResult } from '../../shared/answering/answer.js';
import type {
  ChatRequest,
  EmbedResult,
  LoadOptions,
  RerankRequest,
  RerankResult,
  RuntimeInfo,
} from '../../shared/bundle/runtime.js';
import { type ErrorCode, HaetaeError, errorTable, messageOf } from '../../shared/errors.js';
import type { GenerateEvent, LanguageModelStats } from '../../shared/lm/language-model.js';
import type { Retrieval, RetrieveOptions } from '../../shared/retrieval/retriever.js';

export interface Operations {
  retrieve: {
    input: { query: string; options: RetrieveOptions | undefined };
    part: never;
    value: Retrieval;
  };
  answer: {
    /** `events`: whether somebody listens to what happens before the result. */
    input: { question: string; options: AnswerOptions | undefined; events: boolean };
    part: AnswerEvent;
    value: AnswerResult;
  };
  rerank: { input: RerankRequest; part: never; value: RerankResult };
  embed: { input: { texts: readonly string[] }; part: never; value: EmbedResult };
  chat: { input: ChatRequest; part: GenerateEvent; value: null };
}

export type Op = keyof Operations;

export type Request<O extends Op = Op> = { [K in O]: { op: K; input: Operations[K]['input'] } }[O];
export type Part<O extends Op = Op> = Operations[O]['part'];
export type Value<O extends Op = Op> = Operations[O]['value'];

export type ToEngine =
  | { type: 'load'; options: LoadOptions }
  | { type: 'request'; id: number; request: Request }
  | { type: 'cancel'; id: number }
  | { type: 'ping'; seq: number }
  | { type: 'stop' };

export type FromEngine =
  | { type: 'begun' }
  | { type: 'ready'; info: RuntimeInfo }
  | { type: 'failed'; error: WireError }
  | { type: 'parts'; id: number; parts: Part[] }
  | { type: 'result'; id: number; value: Value }
  | { type: 'error'; id: number; error: WireError }
  | { type: 'pong'; seq: number; rssBytes: number; languageModel: LanguageModelStats | null };

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
