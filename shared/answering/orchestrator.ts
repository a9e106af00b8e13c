/**
 * classify → retrieve → score or generate → confidence → maybe fallback.
 *
 * One orchestrator for the API, the batch and the evaluation, so what is measured is what is served. A component
 * that fails is tried again as often as it may be (classifier 3, retriever 2, answerer 1); then its fallback
 * answers: a plain split, keyword search alone, and for the answerer, the student where there is one, the evidence
 * and then the question alone. Nothing is tried again once the question's time is up; an answerer that has another
 * behind it is stopped a little earlier. Only the caller's signal, and what is wrong with the request itself (an
 * empty question, a parameter that is none: codes below 500), make `answer` reject.
 *
 * Listeners hear of each part as it ends, and of an open answer's text as it is written: what they hear after the
 * last `discard` is the answer.
 *
 * Not covered: a last answerer that never returns; whoever owns the engine's process ends it.
 */
import { type Clock, systemClock } from '../clock.js';
import { HaetaeError, messageOf } from '../errors.js';
import { splitChoices } from '../question/choices.js';
import { classify as classifyByRules } from '../question/classify.js';
import type { Classification } from '../question/question.js';
import type { Passage, RetrieveOptions, Retriever } from '../retrieval/retriever.js';
import type {
  Answerer,
  AnswerEvent,
  AnswerOptions,
  AnswerResult,
  AnswerUsage,
  Citation,
  ScoredChoice,
} from './answer.js';
import { answerWithin } from './answer-within.js';
import { fallbackAnswer } from './choice-fallback.js';
import type { AnsweringContext, ChoiceScorer, OpenAnswerer, Support } from './choice-scorer.js';
import { TextEvents } from './text-events.js';
import { wantedPassages } from './wanted-passages.js';

export interface OrchestratorParts {
  bundleId: string;
  retriever: Retriever;
  choiceScorer: ChoiceScorer;
  openAnswerer: OpenAnswerer;
  /** Answer where those above fail, are late, or have nothing to say. */
  fallbacks?: { choiceScorer: ChoiceScorer; openAnswerer: OpenAnswerer };
  /** Passages handed to the scorer: more than a reader wants to see, since a scorer weighs them itself. */
  evidencePassages: number;
  classify?: (text: string) => Classification;
  clock?: Clock;
}

interface Outcome {
  answer: string;
  confidence: number;
  choices: ScoredChoice[];
  supports: Support[];
  usage?: AnswerUsage;
}

/** What the parts of one answer share. */
interface Run {
  question: string;
  deadline: number;
  /** Why something did not go as it should. */
  problems: string[];
  signal: AbortSignal | undefined;
  emit: (event: AnswerEvent) => void;
}

const attempts = { classifier: 3, retriever: 2 } as const;

export class Orchestrator implements Answerer {
  readonly #parts: OrchestratorParts;
  readonly #clock: Clock;

  constructor(parts: OrchestratorParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
  }

  async answer(
    question: string,
    options: AnswerOptions = {},
    signal?: AbortSignal,
    onEvent?: (event: AnswerEvent) => void,
  ): Promise<AnswerResult> {
    const started = this.#clock.now();
    const problems: string[] = [];
    const emit = (event: AnswerEvent): void => onEvent?.(event);
    const run: Run = {
      question,
      deadline: started + (options.deadlineMs ?? Infinity),
      problems,
      signal,
      emit,
    };
    const classification = await this.#classify(run);
    const classified = this.#clock.now();
    signal?.throwIfAborted();
    emit({ type: 'classification', classification });

    const wanted = wantedPassages(classification, this.#parts.evidencePassages);
    const passages = await this.#retrieve(run, { ...wanted, ...options.retrieval });
    const retrieved = this.#clock.now();
    signal?.throwIfAborted();
    emit({ type: 'retrieval', passages: passages.map(toHeard) });

    const { usedFallback, ...outcome } = await this.#decide(run, classification, passages);
    const ended = this.#clock.now();
    return {
      answer: outcome.answer,
      confidence: outcome.confidence,
      usedFallback,
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
      ...(outcome.usage ? { usage: outcome.usage } : {}),
      bundleId: this.#parts.bundleId,
    };
  }

  async #classify({ question, problems }: Run): Promise<Classification> {
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

  async #retrieve(run: Run, wanted: RetrieveOptions): Promise<Passage[]> {
    const { question, deadline, problems, signal } = run;
    if (this.#clock.now() >= deadline) return [];
    const { retriever } = this.#parts;
    const mayRetry = (): boolean => !signal?.aborted && this.#clock.now() < deadline;
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

  /** The first answer of the answerers in their order; where none has one in time, that of the question alone. */
  async #decide(
    run: Run,
    classification: Classification,
    passages: readonly Passage[],
  ): Promise<Outcome & { usedFallback: boolean }> {
    const { deadline, problems, signal } = run;
    const text = new TextEvents(run.emit);
    let usage: AnswerUsage | undefined;
    const end = (outcome: Outcome, usedFallback: boolean): Outcome & { usedFallback: boolean } => {
      if (classification.questionType === 'open') text.settle(outcome.answer);
      return { ...outcome, ...(usage ? { usage } : {}), usedFallback };
    };
    const answerers = [this.#parts, ...(this.#parts.fallbacks ? [this.#parts.fallbacks] : [])];
    for (const [index, answerer] of answerers.entries()) {
      const remainingMs = deadline - this.#clock.now();
      if (remainingMs <= 0) {
        problems.push('the time for this question was up');
        break;
      }
      const isLast = index === answerers.length - 1;
      try {
        const outcome = await answerWithin(
          // The last one is not cut off: its answer, a little late, is better than none.
          isLast ? Infinity : remainingMs - timeBehind(remainingMs),
          (cut) => {
            const context: AnsweringContext = {
              classification,
              passages,
              ...(cut ? { signal: cut } : {}),
              ...(Number.isFinite(remainingMs) ? { remainingMs } : {}),
            };
            return classification.choices.length > 0
              ? pick(answerer.choiceScorer, context)
              : compose(answerer.openAnswerer, context, text.open());
          },
          this.#clock,
          signal,
        );
        usage = addUsage(usage, outcome.usage);
        if (outcome.answer !== '') return end(outcome, index > 0);
        problems.push(isLast ? 'no passage answers this question' : 'answerer: it wrote nothing of use');
      } catch (error) {
        signal?.throwIfAborted();
        problems.push(`answerer: ${messageOf(error)}`);
      }
      text.discard(problems.at(-1) as string);
    }
    return end({ ...fallbackAnswer(classification), choices: [], supports: [] }, true);
  }
}

/** What is kept of the time left for the answerer behind, milliseconds: a fifth, but no more than it needs. */
function timeBehind(remainingMs: number): number {
  return Math.min(250, remainingMs / 5);
}

async function pick(scorer: ChoiceScorer, context: AnsweringContext): Promise<Outcome> {
  const { choices, supports, usage } = await scorer.score(context);
  const [first, ...others] = choices;
  if (!first || choices.some(({ probability }) => !Number.isFinite(probability))) {
    throw new Error('the scorer gave no probabilities');
  }
  const best = others.reduce((a, b) => (b.probability > a.probability ? b : a), first);
  return {
    answer: String(best.number),
    confidence: best.probability,
    choices,
    supports,
    ...(usage ? { usage } : {}),
  };
}

async function compose(
  answerer: OpenAnswerer,
  context: AnsweringContext,
  onText: (piece: string) => void,
): Promise<Outcome> {
  const { text, confidence, supports, usage } = await answerer.answer(context, onText);
  return { answer: text, confidence, choices: [], supports, ...(usage ? { usage } : {}) };
}

function addUsage(a: AnswerUsage | undefined, b: AnswerUsage | undefined): AnswerUsage | undefined {
  if (!a || !b) return a ?? b;
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
    completionTokens: a.completionTokens + b.completionTokens,
  };
}

function toHeard({ chunk, scores }: Passage): {
  chunkId: string;
  title: string;
  section: string;
  score: number;
} {
  return { chunkId: chunk.chunkId, title: chunk.title, section: chunk.section, score: scores.fused };
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
