/** What `haetae batch` does: from a question file to an answer file, complete or absent. */
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { type BatchMediaType, renderBatch } from '../api/batch/render-batch.js';
import type { Config } from '../api/config.js';
import type { SubmissionRow } from '../shared/answering/answer.js';
import { answerBatch } from '../shared/answering/answer-batch.js';
import type { LoadOptions, Runtime } from '../shared/bundle/runtime.js';
import { HaetaeError, messageOf } from '../shared/errors.js';
import { startProgress } from '../shared/progress.js';
import { parseQuestionFile } from '../shared/question/question-file.js';

export interface AnswerFileOptions {
  input: string;
  output: string;
  mediaType: BatchMediaType;
  /** Whether an output that exists may be replaced. */
  replace: boolean;
  config: Config;
  loadRuntime: (options: LoadOptions) => Promise<Runtime>;
  signal: AbortSignal;
  /** Where progress and the closing words go. */
  screen: NodeJS.WriteStream | (NodeJS.WritableStream & { isTTY?: boolean });
}

/** Returns false where `signal` stopped it; then `<output>.partial` holds the rows that were done. */
export async function answerFile(options: AnswerFileOptions): Promise<boolean> {
  const { input, output, replace, config, signal, screen } = options;
  const { rows, encoding } = await parseQuestionFile(await readInput(input), { maxRows: config.maxRows });
  const partial = `${output}.partial`;
  await refuseOverwritingInput(input, [output, partial]);
  const file = await openOutput(output, partial, replace);
  const say = (line: string) => screen.write(`${line}\n`);
  const count = { rows: 0, fallbacks: 0 };
  const startedAt = performance.now();
  let runtime: Runtime | undefined;
  try {
    runtime = await options.loadRuntime({
      modelsDir: config.modelsDir,
      threads: config.threads,
      ...(config.bundleId === undefined ? {} : { bundleId: config.bundleId }),
    });
    for (const warning of runtime.info.warnings) say(`warning: ${warning}`);
    const progress = startProgress(`answering ${input}`, rows.length, screen);
    const answered = answerBatch(rows, runtime, {
      concurrency: config.batchConcurrency,
      deadlineMs: config.batchDeadlineMs,
      questionDeadlineMs: config.questionDeadlineMs,
      signal,
    });
    const counted = observed(answered, (row) => {
      count.rows += 1;
      count.fallbacks += row.usedFallback ? 1 : 0;
      progress.tick(row.id);
    });
    try {
      for await (const piece of renderBatch(counted, options.mediaType, encoding)) await file.write(piece);
      await file.sync();
    } finally {
      progress.stop();
    }
  } catch (error) {
    if (!signal.aborted) {
      await rm(partial, { force: true });
      throw error;
    }
    say(`Interrupted: ${count.rows} of ${rows.length} rows are in ${partial}; ${output} was not written.`);
    return false;
  } finally {
    await file.close();
    await runtime?.close();
  }
  await rename(partial, output);
  const seconds = (performance.now() - startedAt) / 1000;
  say(
    `Wrote ${output}: ${count.rows} rows, ${count.fallbacks} by the fallback, ` +
      `${seconds.toFixed(1)} s with loading, ${(count.rows / seconds).toFixed(1)} questions/s.`,
  );
  return true;
}

async function* observed(
  rows: AsyncIterable<SubmissionRow>,
  see: (row: SubmissionRow) => void,
): AsyncGenerator<SubmissionRow, void, undefined> {
  for await (const row of rows) {
    yield row;
    see(row);
  }
}

async function readInput(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new HaetaeError('FILE_NOT_FOUND', `Cannot read the question file ${path}: ${messageOf(error)}.`, {
      path,
    });
  }
}

/** Answers never take the place of the questions, under whatever name or link; `--force` is no consent to that. */
async function refuseOverwritingInput(input: string, targets: readonly string[]): Promise<void> {
  const { dev, ino } = await stat(input);
  for (const target of targets) {
    const found = await stat(target).catch(() => undefined);
    if (found?.dev === dev && found.ino === ino)
      throw new HaetaeError('USAGE', `${target} is the question file itself. Name another output.`);
  }
}

/** Opens the partial file, so that an output that cannot be written is known before anything is answered. */
async function openOutput(output: string, partial: string, replace: boolean): Promise<FileHandle> {
  const found = await stat(output).catch(() => undefined);
  if (found?.isDirectory()) throw new HaetaeError('USAGE', `${output} is a folder. Name a file in it.`);
  if (found !== undefined && !replace) {
    throw new HaetaeError(
      'USAGE',
      `${output} exists already. Name another output, or allow it with --force.`,
    );
  }
  try {
    return await open(partial, 'w');
  } catch (error) {
    throw new HaetaeError(
      'USAGE',
      `Cannot write ${partial}: ${messageOf(error)}. Name an output that can be written.`,
    );
  }
}
