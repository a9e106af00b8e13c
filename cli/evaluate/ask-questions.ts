/** Asks a bundle, as it is served, question after question; what it has answered before is taken as it was. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LoadedParts } from '../../shared/bundle/load-runtime.js';
import type { Runtime } from '../../shared/bundle/runtime.js';
import type { FileQuestion } from '../../shared/evaluation/file-questions.js';
import type { Progress } from '../../shared/progress.js';
import { dealt } from '../../training/predictions/measured-questions.js';
import { type Prediction, type PredictionStore, predictionId, questionHash } from './predictions.js';

/** What is needed of a loaded bundle. */
export type EvaluatedRuntime = Pick<Runtime, 'answer' | 'info' | 'close'> & {
  parts: Pick<LoadedParts, 'chunks' | 'embedder'>;
};

/** A question, and in which file it stands. */
export type EvaluatedQuestion = FileQuestion & { file: string };

export interface Answered {
  /** As it was asked. */
  question: EvaluatedQuestion;
  /** 0: choices as written. */
  deal: number;
  prediction: Prediction;
}

export interface AskQuestionsOptions {
  about: Pick<Prediction, 'bundle' | 'manifest' | 'mode'>;
  /** Times that the choices of each question are dealt anew. */
  shuffles: number;
  seed: number;
  /** Of each question, as the API gives it. */
  questionDeadlineMs: number;
  store: PredictionStore;
  progress: Progress;
  signal: AbortSignal;
}

/** The number of answers that this takes. */
export function answerCount(questions: readonly EvaluatedQuestion[], shuffles: number): number {
  return questions.reduce((sum, { isOpen }) => sum + (isOpen ? 1 : 1 + shuffles), 0);
}

/** All questions as written, in their order; then all with their choices dealt, once and again. */
export async function askQuestions(
  runtime: Pick<EvaluatedRuntime, 'answer'>,
  questions: readonly EvaluatedQuestion[],
  options: AskQuestionsOptions,
): Promise<Answered[]> {
  const { about, shuffles, seed, store, progress, signal } = options;
  const answered: Answered[] = [];
  for (let deal = 0; deal <= shuffles; deal++) {
    for (const written of questions) {
      if (deal > 0 && written.isOpen) continue;
      signal.throwIfAborted();
      const question = dealt(written, deal, seed);
      const id = predictionId({ ...about, question: questionHash(question) });
      let prediction = store.get(id);
      if (prediction === undefined) {
        prediction = { ...about, ...(await ask(runtime, question, deal, options)) };
        await store.append(prediction);
      } else {
        // So that Ctrl-C is heard among thousands that are known.
        await nextTurn();
      }
      answered.push({ question, deal, prediction });
      progress.tick();
    }
  }
  return answered;
}

async function ask(
  runtime: Pick<EvaluatedRuntime, 'answer'>,
  question: EvaluatedQuestion,
  deal: number,
  { questionDeadlineMs: deadlineMs, signal }: AskQuestionsOptions,
): Promise<Omit<Prediction, 'bundle' | 'manifest' | 'mode'>> {
  const passages: string[] = [];
  const started = performance.now();
  const result = await runtime.answer(question.text, { deadlineMs }, signal, (event) => {
    if (event.type === 'retrieval') passages.push(...event.passages.map(({ chunkId }) => chunkId));
  });
  const ms = performance.now() - started;
  return {
    ...{ file: question.file, row: question.row, deal, question: questionHash(question) },
    type: question.isOpen ? 'open' : 'multiple-choice',
    expected: question.answer,
    answer: result.answer,
    correct: question.isOpen ? null : result.answer === question.answer,
    confidence: rounded(result.confidence),
    probabilities: result.choices.map(({ probability }) => rounded(probability)),
    usedFallback: result.usedFallback,
    ...(result.errorMessage === undefined ? {} : { errorMessage: result.errorMessage }),
    ms: Number(ms.toFixed(3)),
    passages,
    citations: result.citations.map(({ chunkId }) => chunkId),
  };
}

/** Six decimals are enough, and the same before and after the file. */
function rounded(value: number): number {
  return Number(value.toFixed(6));
}
