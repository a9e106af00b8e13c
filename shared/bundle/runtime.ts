/** What a loaded bundle can do: the engine process serves exactly one of these. */
import type { AnswerOptions, AnswerResult } from '../answering/answer.js';
import type { Retrieval, RetrieveOptions } from '../retrieval/retriever.js';

export interface RuntimeInfo {
  bundleId: string;
  createdAt: string;
  chunks: number;
  dimension: number;
  vectorIndex: string;
  loadMs: number;
  /** Things an operator should know, e.g. that the FAISS addon is absent and an exact scan is used. */
  warnings: string[];
}

export interface Runtime {
  readonly info: RuntimeInfo;
  retrieve(query: string, options?: RetrieveOptions, signal?: AbortSignal): Promise<Retrieval>;
  answer(question: string, options?: AnswerOptions, signal?: AbortSignal): Promise<AnswerResult>;
  close(): Promise<void>;
}

export interface LoadOptions {
  /** Folder that holds the bundles and `current`. */
  modelsDir: string;
  /** A bundle's id; default: what `current` says. */
  bundleId?: string;
  /** Threads of native work (≥ 1). */
  threads: number;
}
