/** The engine as the routes see it; the supervisor is one, a test passes a few lines. */
import type { AnswerEvent, AnswerOptions, AnswerResult } from '../../shared/answering/answer.js';
import type {
  ChatRequest,
  EmbedResult,
  RerankRequest,
  RerankResult,
  RuntimeInfo,
} from '../../shared/bundle/runtime.js';
import type { GenerateEvent, LanguageModelStats } from '../../shared/lm/language-model.js';
import type { Retrieval, RetrieveOptions } from '../../shared/retrieval/retriever.js';

/** A reply, and the bundle that it was made from, which need not be the one that serves by now. */
export type From<T> = T & { bundleId: string };

export interface EngineHealth {
  /** `starting`: no engine is warm yet; `down`: starts keep failing; `stopped`: for good. */
  state: 'starting' | 'ready' | 'down' | 'stopped';
  /** What is loaded; null until an engine is warm. */
  info: RuntimeInfo | null;
  /** Engine processes that ended without being asked to, since the server started. */
  crashes: number;
  /** Why the last one ended or could not start; null if none did. */
  lastFailure: string | null;
  /** Requests that wait for the engine. */
  queued: number;
  /** Requests the engine is working on. */
  inFlight: number;
  /** Process id and resident memory of the engine that serves. */
  pid: number | null;
  rssBytes: number;
  /** Of its language model, as of the last heartbeat; null without one. */
  languageModel: LanguageModelStats | null;
}

export interface Engine {
  /** Id of the bundle that answers now; undefined while none does. */
  readonly bundleId: string | undefined;
  health(): EngineHealth;
  /** Called at once when another bundle begins to serve, or another content under the same id. */
  onBundle(listener: (info: RuntimeInfo) => void): void;
  retrieve(query: string, options?: RetrieveOptions, signal?: AbortSignal): Promise<From<Retrieval>>;
  /** `onEvent` hears of the answer while it is made; once it has, a lost engine is not asked again. */
  answer(
    question: string,
    options?: AnswerOptions,
    signal?: AbortSignal,
    onEvent?: (event: AnswerEvent) => void,
  ): Promise<AnswerResult>;
  rerank(request: RerankRequest, signal?: AbortSignal): Promise<From<RerankResult>>;
  embed(texts: readonly string[], signal?: AbortSignal): Promise<From<EmbedResult>>;
  /**
   * Tokens, then one `end`. Leaving the loop early, or `signal`, cancels the work. `onStart` hears, before the first
   * of them, of the bundle that makes them.
   */
  chat(
    request: ChatRequest,
    signal?: AbortSignal,
    onStart?: (info: RuntimeInfo) => void,
  ): AsyncIterable<GenerateEvent>;
}
