/**
 * A batch: one `SubmissionRow` per question, in input order, whatever happens.
 *
 * `concurrency` questions are worked on at once, and a few times as many may be in hand, answered, waiting for
 * their turn to be read: a slow question does not idle the other workers, a slow reader slows the work down
 * (back-pressure), and memory stays bounded. Each question has a budget:
 *
 *     budget = min(questionDeadlineMs, time left, 4 · (time left) · concurrency / rows left)
 *
 * so that no question eats more than four times its fair share of the batch's deadline. A question whose
 * budget runs out, or that fails, gets the fallback's answer. When what is left of the batch's deadline is
 * only what the fallback itself needs, the rows that remain get it at once: every row is written in time.
 */
import { setMaxListeners } from 'node:events';
import { type Clock, systemClock } from '../clock.js';
import { HaetaeError, messageOf } from '../errors.js';
import { checkQuestion } from '../question/check-question.js';
import type { Answerer, AnswerResult, SubmissionRow } from './answer.js';
import { fallbackResult } from './fallback-result.js';

export interface BatchQuestion {
  id: string;
  question: string;
}

export interface BatchOptions {
  /** Questions worked on at once, ≥ 1. */
  concurrency: number;
  /** Budget of the whole batch, counted from the first pull, milliseconds. */
  deadlineMs: number;
  /** Longest time for one question, milliseconds. */
  questionDeadlineMs: number;
  /** Stops the batch: the iteration rejects with its reason and no further question is begun. */
  signal?: AbortSignal;
  clock?: Clock;
  /** Answers without a knowledge base; default: the last line of defence of `fallback-result.ts`. */
  fallback?: (question: string, reason: string) => AnswerResult;
}

/** Share of its budget that a question is told of, so that it can fall back by itself before it is cut off. */
const toldShare = 0.9;

/** A question may take this many times its fair share of what is left. */
const burst = 4;

/** Rows that may be answered or in work for each worker while the first of them is not done or not read. */
const readAhead = 8;

/** What the fallback needs for one row, milliseconds (measured: a few hundredths). */
const fallbackCostMs = 0.2;

export async function* answerBatch(
  rows: readonly BatchQuestion[],
  answerer: Answerer,
  options: BatchOptions,
): AsyncGenerator<SubmissionRow, void, undefined> {
  const {
    concurrency,
    deadlineMs,
    questionDeadlineMs,
    signal,
    clock = systemClock,
    fallback = fallbackResult,
  } = options;
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const onAbort = () => stop.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  const endsAt = clock.now() + deadlineMs;

  const budgetOf = (index: number): number => {
    const left = endsAt - clock.now();
    const rowsLeft = rows.length - index;
    if (left <= rowsLeft * fallbackCostMs) return 0;
    return Math.min(questionDeadlineMs, left, (burst * left * concurrency) / rowsLeft);
  };

  const answerRow = async (index: number): Promise<SubmissionRow> => {
    const { id, question } = rows[index]!;
    const startedAt = clock.now();
    let result: AnswerResult;
    try {
      checkQuestion(question);
      const budgetMs = budgetOf(index);
      if (budgetMs <= 0)
        throw new HaetaeError('ENGINE_TIMEOUT', 'The time of the batch was used up before this question.');
      result = await withBudget(answerer, question, budgetMs, stop.signal, clock);
    } catch (error) {
      if (stop.signal.aborted) throw stop.signal.reason;
      result = fallback(question, messageOf(error));
    }
    return submissionRow(id, result, clock.now() - startedAt);
  };

  const window: Promise<SubmissionRow>[] = [];
  let next = 0;
  let active = 0;
  const begin = () => {
    while (next < rows.length && active < concurrency && window.length < concurrency * readAhead) {
      if (stop.signal.aborted) return;
      const row = answerRow(next++);
      active += 1;
      const done = () => {
        active -= 1;
        begin();
      };
      row.then(done, done);
      window.push(row);
    }
  };
  try {
    signal?.throwIfAborted();
    for (let written = 0; written < rows.length; written++) {
      begin();
      yield await window.shift()!;
    }
  } finally {
    stop.abort(new HaetaeError('CANCELLED', 'The batch was stopped before this question was answered.'));
    signal?.removeEventListener('abort', onAbort);
  }
}

/** The answer within `budgetMs`, or `ENGINE_TIMEOUT`, whether or not the answerer heeds its signal. */
async function withBudget(
  answerer: Answerer,
  question: string,
  budgetMs: number,
  stop: AbortSignal,
  clock: Clock,
): Promise<AnswerResult> {
  stop.throwIfAborted();
  const cut = new AbortController();
  const onStop = () => cut.abort(stop.reason);
  stop.addEventListener('abort', onStop, { once: true });
  const cancelTimer = clock.after(budgetMs, () =>
    cut.abort(new HaetaeError('ENGINE_TIMEOUT', `No answer came within ${Math.round(budgetMs)} ms.`)),
  );
  const cutOff = new Promise<never>((_, reject) => {
    cut.signal.addEventListener('abort', () => reject(cut.signal.reason), { once: true });
  });
  const deadlineMs = Math.max(1, Math.floor(budgetMs * toldShare));
  try {
    return await Promise.race([answerer.answer(question, { deadlineMs }, cut.signal), cutOff]);
  } finally {
    cancelTimer();
    stop.removeEventListener('abort', onStop);
  }
}

function submissionRow(id: string, result: AnswerResult, inferenceTimeMs: number): SubmissionRow {
  return {
    id,
    answer: result.answer,
    confidence: result.confidence,
    inferenceTimeMs: Math.round(inferenceTimeMs * 1000) / 1000,
    usedFallback: result.usedFallback,
    ...(result.errorMessage === undefined ? {} : { errorMessage: result.errorMessage }),
    questionType: result.classification.questionType,
    citations: result.citations,
  };
}
