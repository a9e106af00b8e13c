/**
 * What `haetae evaluate` does: a bundle is asked the questions of files one after another, then once more as a batch,
 * and its answers become figures. The batch has a runtime of its own, since a language model that has read a question
 * before would be faster.
 */
import { realpath } from 'node:fs/promises';
import { type Bundle, manifestHash, readBundle } from '../../shared/bundle/bundle-store.js';
import type { AnsweringMode } from '../../shared/bundle/manifest.js';
import type { LoadOptions } from '../../shared/bundle/runtime.js';
import { HaetaeError } from '../../shared/errors.js';
import { readFileQuestions } from '../../shared/evaluation/file-questions.js';
import { type Latency, latencyOf } from '../../shared/evaluation/latency.js';
import { mean } from '../../shared/evaluation/mean.js';
import { type ProgressStream, startProgress } from '../../shared/progress.js';
import { createTokenizer } from '../../shared/text/tokenize.js';
import { sample } from '../../training/predictions/measured-questions.js';
import {
  type Answered,
  answerCount,
  askQuestions,
  type EvaluatedQuestion,
  type EvaluatedRuntime,
} from './ask-questions.js';
import { type ChoiceFigures, choiceFigures } from './choice-figures.js';
import { measureSpeed, type Speed, warmUp } from './measure-speed.js';
import { type OpenFigures, openFigures } from './open-figures.js';
import { memoryStore, openPredictions, type PredictionStore } from './predictions.js';
import { type RetrievalFigures, retrievalFigures } from './retrieval-figures.js';

export interface EvaluateOptions {
  modelsDir: string;
  /** Default: the active one. */
  bundleId?: string;
  /** Default: the bundle's own. */
  mode?: AnsweringMode;
  files: readonly string[];
  /** A sample of so many questions. */
  limit?: number;
  shuffles: number;
  seed: number;
  threads: number;
  /** Where answers are kept, and taken from by the next start. */
  out?: string;
  /** Whether the batch is run. */
  speed: boolean;
  batch: { concurrency: number; deadlineMs: number; questionDeadlineMs: number };
  loadRuntime: (options: LoadOptions & { mode?: AnsweringMode }) => Promise<EvaluatedRuntime>;
  signal: AbortSignal;
  /** Progress and remarks. */
  screen: ProgressStream & NodeJS.WritableStream;
}

export interface Evaluation {
  bundleId: string;
  mode: AnsweringMode;
  /** Null: without a language model. */
  student: string | null;
  files: string[];
  questions: number;
  /** Rows that had no answer to measure by. */
  unanswered: number;
  seed: number;
  threads: number;
  choices: ChoiceFigures | null;
  open: OpenFigures | null;
  recall: RetrievalFigures | null;
  fallbackShare: number;
  /** Null where it was not asked for. */
  speed: Speed | null;
  /** Milliseconds of single questions, one after another. */
  latency: { choices: Latency | null; open: Latency | null };
}

/** @throws HaetaeError USAGE, FILE_NOT_FOUND, CSV_…, BUNDLE_…, MODEL_NOT_LOADED; the signal's reason */
export async function evaluateBundle(options: EvaluateOptions): Promise<Evaluation> {
  const { modelsDir, bundleId, files, out, seed, threads, signal, screen } = options;
  const { questions, unanswered } = await readQuestions(options);
  const bundle = await readBundle(modelsDir, bundleId);
  const mode = options.mode ?? bundle.manifest.answering.mode;
  const store = out === undefined ? memoryStore() : await openPredictions(out, files);
  try {
    const measured = await withRuntime(options, bundle, async (runtime) => {
      for (const warning of runtime.info.warnings) screen.write(`warning: ${warning}\n`);
      const answered = await answersOf(runtime, questions, { ...options, bundle, mode, store });
      const { chunks, embedder } = runtime.parts;
      return {
        student: runtime.info.student?.description ?? null,
        answered,
        open: await openFigures(answered, { chunks, embedder, createTokenizer }),
        recall: retrievalFigures(answered, chunks),
      };
    });
    signal.throwIfAborted();
    const speed = options.speed ? await speedOf(options, bundle, questions) : null;
    const { answered, ...figures } = measured;
    const written = answered.filter(({ deal }) => deal === 0);
    return {
      ...{ bundleId: bundle.manifest.id, mode, files: [...files], questions: questions.length },
      ...{ unanswered, seed, threads, choices: choiceFigures(answered), ...figures },
      fallbackShare: mean(written.map(({ prediction }) => Number(prediction.usedFallback))),
      speed,
      latency: {
        choices: timesOf(written.filter(({ question }) => !question.isOpen)),
        open: timesOf(written.filter(({ question }) => question.isOpen)),
      },
    };
  } catch (error) {
    if (signal.aborted) screen.write(interruptedText(out));
    throw error;
  } finally {
    await store.close();
  }
}

function interruptedText(out: string | undefined): string {
  return out === undefined
    ? 'Interrupted; nothing was kept, since --out names no file.\n'
    : `Interrupted; what was answered is in ${out}: the same command goes on behind it.\n`;
}

async function readQuestions({ files, limit, seed, screen }: EvaluateOptions): Promise<{
  questions: EvaluatedQuestion[];
  unanswered: number;
}> {
  const read = new Map<string, string>();
  const all: EvaluatedQuestion[] = [];
  let unanswered = 0;
  for (const file of files) {
    const found = await readFileQuestions(file);
    const path = await realpath(file);
    if (read.has(path)) {
      const twice = `${file} is named twice. Questions that count double make intervals too narrow.`;
      throw new HaetaeError('USAGE', twice);
    }
    read.set(path, file);
    all.push(...found.questions.map((question) => ({ ...question, file, id: `${file}:${question.row}` })));
    unanswered += found.unanswered;
    if (found.unanswered > 0) {
      screen.write(`${file}: ${found.unanswered} rows have no Answer, and are left out\n`);
    }
    for (const { row, isOpen, answer } of found.questions) {
      if (isOpen && /^\d{1,2}$/u.test(answer))
        screen.write(
          `${file} row ${row}: no choices were found, so the Answer ${answer} is taken as a text\n`,
        );
    }
  }
  if (all.length === 0) {
    throw new HaetaeError(
      'CSV_EMPTY',
      `${files.join(', ')}: no row has an Answer, so there is nothing to measure by.`,
    );
  }
  return { questions: limit === undefined ? all : sample(all, limit, seed), unanswered };
}

async function withRuntime<T>(
  { modelsDir, mode, threads, loadRuntime, signal }: EvaluateOptions,
  { manifest }: Bundle,
  work: (runtime: EvaluatedRuntime) => Promise<T>,
): Promise<T> {
  const runtime = await loadRuntime({
    ...{ modelsDir, bundleId: manifest.id, threads },
    ...(mode === undefined ? {} : { mode }),
  });
  try {
    await warmUp(runtime, signal);
    return await work(runtime);
  } finally {
    await runtime.close();
  }
}

async function answersOf(
  runtime: EvaluatedRuntime,
  questions: readonly EvaluatedQuestion[],
  options: EvaluateOptions & { bundle: Bundle; mode: AnsweringMode; store: PredictionStore },
): Promise<Answered[]> {
  const { bundle, mode, shuffles, seed, store, signal, screen } = options;
  const total = answerCount(questions, shuffles);
  const progress = startProgress(`answers of ${bundle.manifest.id}`, total, screen);
  const about = { bundle: bundle.manifest.id, manifest: manifestHash(bundle).slice(0, 16), mode };
  try {
    const { questionDeadlineMs } = options.batch;
    return await askQuestions(runtime, questions, {
      ...{ about, shuffles, seed, questionDeadlineMs, store, progress, signal },
    });
  } finally {
    progress.stop();
  }
}

async function speedOf(
  options: EvaluateOptions,
  bundle: Bundle,
  questions: readonly EvaluatedQuestion[],
): Promise<Speed> {
  const { batch, signal, screen } = options;
  return withRuntime(options, bundle, async (runtime) => {
    const progress = startProgress('the same as a batch', questions.length, screen);
    try {
      return await measureSpeed(runtime, questions, { ...batch, progress, signal });
    } finally {
      progress.stop();
    }
  });
}

function timesOf(answered: readonly Answered[]): Latency | null {
  return answered.length === 0 ? null : latencyOf(answered.map(({ prediction }) => prediction.ms));
}
