/**
 * Questions and queries on their way to the engine: cache, single flight, deadline, and the fallback.
 *
 * An answer is cached under (bundle, retrieval options, normalised question). The deadline is no part of the
 * cache's key, but only callers with the same deadline share one computation, so that an impatient caller
 * does not spoil a patient one's answer. A caller who listens to events has a computation of his own, whose
 * result is kept all the same; where the cache has the answer, there is nothing to hear. Fallback answers are
 * not cached, nor is anything that was computed while the bundle changed.
 */
import type { Answerer, AnswerEvent, AnswerOptions, AnswerResult } from '../shared/answering/answer.js';
import { fallbackResult } from '../shared/answering/fallback-result.js';
import { cacheKey } from '../shared/cache/cache-key.js';
import { type CacheCounters, type CacheOutcome, ResultCache } from '../shared/cache/result-cache.js';
import type { Clock } from '../shared/clock.js';
import { errorTable, HaetaeError } from '../shared/errors.js';
import { checkQuestion } from '../shared/question/check-question.js';
import type { Retrieval, RetrieveOptions } from '../shared/retrieval/retriever.js';
import { startDeadline } from './deadline.js';
import type { Engine, From } from './engine/engine.js';

export interface AnswerServiceOptions {
  engine: Engine;
  clock: Clock;
  questionDeadlineMs: number;
  cacheMaxEntries: number;
  cacheTtlMs: number;
  /** Told of every answer that the fallback had to give. */
  onFallback?: (error: unknown) => void;
}

export interface Served<V> {
  value: V;
  outcome: CacheOutcome;
}

/** Share of the deadline that the engine is told of, so that its own, better fallback can come first. */
const toldShare = 0.9;

export class AnswerService implements Answerer {
  readonly #options: AnswerServiceOptions;
  readonly #answers: ResultCache<AnswerResult>;
  readonly #retrievals: ResultCache<From<Retrieval>>;
  #listeners = 0;

  constructor(options: AnswerServiceOptions) {
    this.#options = options;
    const cache = { maxEntries: options.cacheMaxEntries, ttlMs: options.cacheTtlMs };
    this.#answers = new ResultCache(cache);
    this.#retrievals = new ResultCache(cache);
  }

  /** Never rejects because of the engine, except `ENGINE_BUSY`; rejects for a bad question and for `signal`. */
  async answer(
    question: string,
    options?: AnswerOptions,
    signal?: AbortSignal,
    onEvent?: (event: AnswerEvent) => void,
  ): Promise<AnswerResult> {
    return (await this.serveAnswer(question, options, signal, onEvent)).value;
  }

  /** As `answer`, and says whether the cache had it. */
  async serveAnswer(
    question: string,
    options: AnswerOptions = {},
    signal?: AbortSignal,
    onEvent?: (event: AnswerEvent) => void,
  ): Promise<Served<AnswerResult>> {
    checkQuestion(question);
    const { engine, clock, onFallback } = this.#options;
    const startedAt = clock.now();
    const bundleId = engine.bundleId ?? '';
    const deadlineMs = options.deadlineMs ?? this.#options.questionDeadlineMs;
    const key = cacheKey(bundleId, options.retrieval, question);
    const events = onEvent && new EventGate(onEvent);
    const flightKey = events ? `events ${++this.#listeners}` : `${deadlineMs}\u0000${key}`;
    const told = { ...options, deadlineMs: Math.max(1, Math.floor(deadlineMs * toldShare)) };
    try {
      return await this.#within(deadlineMs, signal, (cut) =>
        this.#answers.resolve(key, (flight) => engine.answer(question, told, flight, events?.pass), {
          signal: cut,
          flightKey,
          cacheable: (result) => !result.usedFallback && result.bundleId === bundleId,
        }),
      );
    } catch (error) {
      if (signal?.aborted || !isEngineTrouble(error)) throw error;
      onFallback?.(error);
      events?.discard(publicReason(error));
      const value = fallbackResult(question, publicReason(error), bundleId);
      value.timings.totalMs = clock.now() - startedAt;
      return { value, outcome: 'miss' };
    } finally {
      events?.close();
    }
  }

  /** Rejects with `ENGINE_…` where the engine cannot retrieve in time. */
  async serveRetrieval(
    query: string,
    options?: RetrieveOptions,
    signal?: AbortSignal,
  ): Promise<Served<From<Retrieval>>> {
    checkQuestion(query);
    const { engine, questionDeadlineMs } = this.#options;
    const bundleId = engine.bundleId;
    const key = cacheKey(bundleId ?? '', options, query);
    return this.#within(questionDeadlineMs, signal, (cut) =>
      this.#retrievals.resolve(key, (flight) => engine.retrieve(query, options, flight), {
        signal: cut,
        cacheable: (result) => !result.degraded && result.bundleId === bundleId,
      }),
    );
  }

  counters(): { answers: CacheCounters; retrievals: CacheCounters } {
    return { answers: this.#answers.counters(), retrievals: this.#retrievals.counters() };
  }

  /** Drops what is cached for keys that match `pattern` (see `cacheKey`); default: everything. */
  clear(pattern?: RegExp): number {
    return this.#answers.clear(pattern) + this.#retrievals.clear(pattern);
  }

  /** Runs `work` under a signal that aborts with `signal`, and with `ENGINE_TIMEOUT` after `deadlineMs`. */
  async #within<T>(
    deadlineMs: number,
    signal: AbortSignal | undefined,
    work: (cut: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const deadline = startDeadline(this.#options.clock, deadlineMs, signal);
    try {
      return await work(deadline.signal);
    } finally {
      deadline.end();
    }
  }
}

/** Between the engine and who listens: nothing passes once the answer is settled, and text can be taken back. */
class EventGate {
  readonly #onEvent: (event: AnswerEvent) => void;
  #open = true;
  #hasText = false;

  constructor(onEvent: (event: AnswerEvent) => void) {
    this.#onEvent = onEvent;
  }

  readonly pass = (event: AnswerEvent): void => {
    if (!this.#open) return;
    if (event.type === 'token') this.#hasText = true;
    if (event.type === 'discard') this.#hasText = false;
    this.#onEvent(event);
  };

  /** Says that the text so far does not stand, if there was any. */
  discard(reason: string): void {
    if (this.#hasText) this.pass({ type: 'discard', reason });
  }

  close(): void {
    this.#open = false;
  }
}

/** Whether the fallback should answer: the engine failed, and neither the request nor sheer load is to blame. */
function isEngineTrouble(error: unknown): boolean {
  return !(error instanceof HaetaeError) || (error.status >= 500 && error.code !== 'ENGINE_BUSY');
}

/** What a client may know of a failure: its kind; the rest is for the log. */
function publicReason(error: unknown): string {
  return error instanceof HaetaeError
    ? `${error.code}: ${error.title}.`
    : `INTERNAL: ${errorTable.INTERNAL.title}.`;
}
