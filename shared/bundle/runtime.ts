/** What a loaded bundle can do: the engine process serves exactly one of these. */
import type { AnswerEvent, AnswerOptions, AnswerResult } from '../answering/answer.js';
import type { ChatMessage } from '../lm/chat-template.js';
import type { GenerateEvent, LanguageModelStats, SamplingOptions } from '../lm/language-model.js';
import type { Retrieval, RetrieveOptions } from '../retrieval/retriever.js';

export interface RuntimeInfo {
  bundleId: string;
  /** Stands for the bundle's content: another one under the same id has another. */
  manifestHash: string;
  createdAt: string;
  chunks: number;
  dimension: number;
  vectorIndex: string;
  loadMs: number;
  /** The language model of the bundle, or null. */
  student: StudentInfo | null;
  /** Things an operator should know, e.g. that the FAISS addon is absent and an exact scan is used. */
  warnings: string[];
}

export interface StudentInfo {
  /** E.g. `qwen2, int4 block 32, head 8 bits`. */
  description: string;
  contextLength: number;
  /** Bytes of its weight files. */
  weightBytes: number;
  /** How choices are scored: the bundle's `answering.mode`. */
  mode: string;
}

export interface ChatRequest extends SamplingOptions {
  messages: ChatMessage[];
}

export interface RerankRequest {
  query: string;
  /** Texts to score against the query, at least one. */
  documents: string[];
}

export interface RerankResult {
  /** One for each document, in their order: 0..1, higher is better. */
  scores: number[];
  /** What scored: the bundle's student, or the rule that stands in for one. */
  scoredBy: 'student' | 'cover';
}

export interface EmbedResult {
  /** Unit vectors `[texts, dimension]`. */
  vectors: Float32Array;
  dimension: number;
  /** Tokens of all texts. */
  tokens: number;
}

export interface Runtime {
  readonly info: RuntimeInfo;
  retrieve(query: string, options?: RetrieveOptions, signal?: AbortSignal): Promise<Retrieval>;
  /** `onEvent` hears of the answer while it is made; what it hears of adds up to the result. */
  answer(
    question: string,
    options?: AnswerOptions,
    signal?: AbortSignal,
    onEvent?: (event: AnswerEvent) => void,
  ): Promise<AnswerResult>;
  rerank(request: RerankRequest, signal?: AbortSignal): Promise<RerankResult>;
  embed(texts: readonly string[]): Promise<EmbedResult>;
  /** @throws HaetaeError MODEL_NOT_LOADED, LM_CONTEXT_EXCEEDED, LM_REQUEST_INVALID */
  chat(request: ChatRequest, signal?: AbortSignal): AsyncIterable<GenerateEvent>;
  /** Of the language model; null without one. */
  stats(): LanguageModelStats | null;
  close(): Promise<void>;
}

export interface LoadOptions {
  /** Folder that holds the bundles and `current`. */
  modelsDir: string;
  /** A bundle's id; default: what `current` says. */
  bundleId?: string;
  /** Threads of native work (≥ 1). */
  threads: number;
  /** `manifestHash` of what was proven before, in another process: it need not be proven once more. */
  provenManifest?: string;
  /** Bounds of the student; default: its own (see `engine-limits.ts`). */
  student?: { maxSlots?: number; kvCacheBytes?: number };
}
