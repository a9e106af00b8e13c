/**
 * classify → retrieve → score or generate → confidence → maybe fallback.
 *
 * One orchestrator for the API, the batch and the evaluation, so what is measured is what is served. A component
 * that fails is tried again as often as it may be (classifier 3, retriever 2, answerer 1); then its fallback
 * answers: a plain split, keyword search alone, the answer from the question alone. Nothing is tried again once
 * the question's time is up. Only the caller's signal, and what is wrong with the request itself (an empty question,
 * a parameter that is none: codes below 500), make `answer` reject.
 *
 * Not covered: a component that never returns; whoever owns the engine's process ends it.
 */
import { HaetaeError, messageOf } from '../errors.js';
import { splitChoices } from '../question/choices.js';
import { classify as classifyByRules } from '../question/classify.js';
import type { Classification } from '../question/question.js';
import type { Passage, RetrieveOptions, Retriever } from '../retrieval/retriever.js';
import type { Answerer, AnswerOptions, AnswerResult, Citation, ScoredChoice } from './answer.js';
import { fallbackAnswer } from './choice-fallback.js';
import type { ChoiceScorer, OpenAnswerer, Support } from './choice-scorer.js';

export interface OrchestratorParts {
  bundleId: string;
  retriever: Retriever;
  choiceScorer: ChoiceScorer;
  openAnswerer: OpenAnswerer;
  /** Passages handed to the scorer: more than a reader wants to see, since a scorer weighs them itself. */
  evidencePassages: number;
  classify?: (text: string) => Classification;
  /** Milliseconds, monotonic. */
  now?: () => number;
}

interface Outcome {
  answer: string;
  confidence: number;
  choices: ScoredChoice[];
  supports: Support[];
}

const attempts = { classifier: 3, retriever: 2, answerer: 1 } as const;

export class Orchestrator implements Answerer {
  readonly #parts: OrchestratorParts;
  readonly #now: () => number;

  constructor(parts: OrchestratorParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
  }

  async answer(question: string, options: AnswerOptions = {}, signal?: AbortSignal): Promise<AnswerResult> {
    const started = this.#now();
    const deadline = started + (options.deadlineMs ?? Infinity);
    const problems: string[] = [];
    const classification = await this.#classify(question, problems);
    const classified = this.#now();
    signal?.throwIfAborted();

    // The scorer weighs each choice against the passages itself; re-ranking by the stem alone would only narrow
    // what it sees. An open answer is composed from the best.
    const retrieval = { rerank: classification.questionType === 'open', ...options.retrieval };
    const passages = await this.#retrieve(question, retrieval, deadline, problems, signal);
    const retrieved = this.#now();
    signal?.throwIfAborted();

    const outcome = await this.#decide(classification, passages, deadline, problems, signal);
    const ended = this.#now();
    return {
      answer: outcome.answer,
      confidence: outcome.confidence,
      usedFallback: outcome.fallback,
      ...(problems.length > 0 ? { errorMessage: problems.join('; ') } : {}),
      classification,
      choices: outcome.choices,
      citations: outcome.supports.map(toCitation),
      timings: {
        classificationMs: classified - started,
        retrievalMs: retrieved - classified,
        inferenceMs: ended - retrieved,
        totalMs: ended - started,
      },
      bundleId: this.#parts.bundleId,
    };
  }

  async #classify(question: string, problems: string[]): Promise<Classification> {
    const classify = this.#parts.classify ?? classifyByRules;
    return withAttempts(
      attempts.classifier,
      () => true,
      async () => classify(question),
      (error) => {
        problems.push(`classifier: ${messageOf(error)}`);
        const { stem, choices } = splitChoices(question);
        const questionType = choices.length > 0 ? 'multiple-choice' : 'open';
        return { questionType, stem, choices, negated: false, domain: 'general', confidence: 0 };
      },
    );
  }

  async #retrieve(
    question: string,
    options: RetrieveOptions,
    deadline: number,
    problems: string[],
    signal: AbortSignal | undefined,
  ): Promise<Passage[]> {
    if (this.#now() >= deadline) return [];
    const { retriever, evidencePassages } = this.#parts;
    const wanted = { topK: evidencePassages, ...options };
    const mayRetry = (): boolean => !signal?.aborted && this.#now() < deadline;
    return withAttempts(
      attempts.retriever,
      mayRetry,
      async () => (await retriever.retrieve(question, wanted, signal)).passages,
      async (error) => {
        signal?.throwIfAborted();
        problems.push(`retriever: ${messageOf(error)}`);
        if (!mayRetry()) return [];
        const keywordsOnly = { ...wanted, weights: { bm25: 1, faiss: 0 }, rerank: false };
        return retriever.retrieve(question, keywordsOnly, signal).then(
          ({ passages }) => passages,
          () => [],
        );
      },
    );
  }

  async #decide(
    classification: Classification,
    passages: readonly Passage[],
    deadline: number,
    problems: string[],
    signal: AbortSignal | undefined,
  ): Promise<Outcome & { fallback: boolean }> {
    const fallback = (reason: string): Outcome & { fallback: boolean } => {
      problems.push(reason);
      return { ...fallbackAnswer(classification), choices: [], supports: [], fallback: true };
    };
    if (this.#now() >= deadline) return fallback('the time for this question was up');
    return withAttempts(
      attempts.answerer,
      () => true,
      async () => {
        const context = { classification, passages, ...(signal ? { signal } : {}) };
        const outcome =
          classification.choices.length > 0 ? await this.#pick(context) : await this.#compose(context);
        return outcome.answer === ''
          ? fallback('no passage answers this question')
          : { ...outcome, fallback: false };
      },
      (error) => {
        signal?.throwIfAborted();
        return fallback(`answerer: ${messageOf(error)}`);
      },
    );
  }

  async #pick(context: Parameters<ChoiceScorer['score']>[0]): Promise<Outcome> {
    const { choices, supports } = await this.#parts.choiceScorer.score(context);
    const [first, ...others] = choices;
    if (!first || choices.some(({ probability }) => !Number.isFinite(probability))) {
      throw new Error('the scorer gave no probabilities');
    }
    const best = others.reduce((a, b) => (b.probability > a.probability ? b : a), first);
    return { answer: String(best.number), confidence: best.probability, choices, supports };
  }

  async #compose(context: Parameters<OpenAnswerer['answer']>[0]): Promise<Outcome> {
    const { text, confidence, supports } = await this.#parts.openAnswerer.answer(context);
    return { answer: text, confidence, choices: [], supports };
  }
}

function toCitation({ passage, evidence }: Support): Citation {
  const { chunkId, title, section, source, url, publisher, licence, effective } = passage.chunk;
  return {
    chunkId,
    title,
    section,
    source,
    url,
    publisher,
    licence,
    effective,
    score: passage.scores.fused,
    evidence,
  };
}

/** Runs `work` up to `times` times, then the fallback with the last error. Errors of the request are thrown on. */
async function withAttempts<T>(
  times: number,
  mayRetry: () => boolean,
  work: () => Promise<T>,
  fallback: (error: unknown) => T | Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof HaetaeError && error.status < 500) throw error;
      if (attempt >= times || !mayRetry()) return fallback(error);
    }
  }
}
