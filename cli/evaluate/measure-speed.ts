/**
 * How many questions a second a bundle answers as a file: by `answerBatch`, which `/batch` and `haetae batch` answer by,
 * several at once. Ends after a minute, and then counts what was answered by then.
 */
import { answerBatch } from '../../shared/answering/answer-batch.js';
import type { Progress } from '../../shared/progress.js';
import type { EvaluatedQuestion, EvaluatedRuntime } from './ask-questions.js';

export interface Speed {
  questions: number;
  seconds: number;
  questionsPerSecond: number;
  /** Questions worked on at once. */
  concurrency: number;
}

export interface MeasureSpeedOptions {
  concurrency: number;
  deadlineMs: number;
  questionDeadlineMs: number;
  progress: Progress;
  signal: AbortSignal;
}

const longestMs = 60_000;

/** @throws the signal's reason */
export async function measureSpeed(
  runtime: Pick<EvaluatedRuntime, 'answer'>,
  questions: readonly EvaluatedQuestion[],
  { progress, ...options }: MeasureSpeedOptions,
): Promise<Speed> {
  const rows = questions.map(({ file, row, text }) => ({ id: `${file}:${row}`, question: text }));
  const started = performance.now();
  let answered = 0;
  let elapsedMs = 0;
  for await (const _ of answerBatch(rows, runtime, options)) {
    answered += 1;
    elapsedMs = performance.now() - started;
    progress.tick();
    if (elapsedMs > longestMs) break;
  }
  const seconds = elapsedMs / 1000;
  return {
    ...{ questions: answered, seconds, questionsPerSecond: answered / seconds },
    concurrency: options.concurrency,
  };
}

const warmUps = [
  '접근통제에 대한 설명으로 옳은 것은?\n1 모든 접속을 허용한다.\n2 권한이 있는 자만 접속한다.\n3 기록을 남기지 않는다.\n4 비밀번호를 함께 쓴다.',
  '접근통제가 필요한 까닭을 설명하시오.',
];

/** What is slow the first time an engine has behind it when it is asked: it tests itself before. */
export async function warmUp(runtime: Pick<EvaluatedRuntime, 'answer'>, signal: AbortSignal): Promise<void> {
  for (const question of warmUps) await runtime.answer(question, {}, signal);
}
