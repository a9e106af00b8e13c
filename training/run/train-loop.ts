/**
 * The training loop: steps, validation, checkpoints, figures. What is trained is behind `TrainingTask`.
 *
 * A run that ends at any moment and is resumed makes the steps it would have made: a checkpoint holds all that the
 * next step depends on, and figures after it are cut off. Between two steps the event loop is let run, since a step
 * blocks the process and signals are only noticed there.
 */
import { setImmediate } from 'node:timers/promises';
import { HaetaeError } from '../../shared/errors.js';
import {
  type CheckpointFolder,
  checkpointReader,
  pruneCheckpoints,
  writeCheckpoint,
} from './checkpoint-folder.js';
import { DivergenceDetector, type DivergenceSettings } from './divergence.js';
import { MetricsLog, type StepMetrics, type ValidationMetrics } from './metrics-log.js';
import type { TrainingProgress } from './training-progress.js';
import type { StepReport, TrainingTask } from './training-task.js';

export interface TrainLoopOptions {
  program: string;
  /** Folder of the run. */
  output: string;
  /** The run file with all defaults, and what the run reads: kept in checkpoints, compared when one is resumed. */
  config: Readonly<Record<string, unknown>>;
  inputs: Readonly<Record<string, string>>;
  /** What to go on from. */
  checkpoint: CheckpointFolder | null;
  /** 0: only at the end. */
  evaluateEverySteps: number;
  /** 0: only at the end. */
  checkpointEverySteps: number;
  /** Checkpoints kept, ≥ 1. */
  keepCheckpoints: number;
  divergence: DivergenceSettings | null;
  /** Aborted: the step in work is finished, a checkpoint is made, and the loop returns. */
  signal: AbortSignal;
  /** Called with the first and the number of all steps. */
  startProgress: (firstStep: number, totalSteps: number) => TrainingProgress;
  /** After each checkpoint, e.g. to draw the report anew. */
  afterCheckpoint?: (step: number) => Promise<void>;
  /** Milliseconds since 1970, for event files. */
  now?: () => number;
}

export interface TrainLoopResult {
  finished: boolean;
  /** Last step that was made. */
  step: number;
  tokens: number;
  /** In training, all sessions of the run together. */
  seconds: number;
  checkpoint: string;
  lastStep: StepMetrics | null;
  lastValidation: ValidationMetrics | null;
}

/**
 * Trains until the last step or an interrupt.
 * @throws HaetaeError TRAINING_DIVERGED where a loss (in training or validation) or gradient norm is not finite, or the
 * loss has run away
 */
export async function trainLoop(task: TrainingTask, options: TrainLoopOptions): Promise<TrainLoopResult> {
  const { output, checkpoint } = options;
  const detector = new DivergenceDetector(options.divergence);
  let step = 0;
  let tokens = 0;
  let secondsBefore = 0;
  let saved = checkpoint?.path ?? null;
  if (checkpoint) {
    ({ step, tokens, seconds: secondsBefore } = checkpoint.meta);
    detector.state = checkpoint.meta.divergence;
    await task.restore(checkpoint.meta.task, await checkpointReader(checkpoint.path));
  }
  const log = await MetricsLog.open(output, checkpoint?.meta ?? null, options.now);
  const progress = options.startProgress(step + 1, task.totalSteps);
  const started = performance.now();
  const secondsNow = () => secondsBefore + (performance.now() - started) / 1000;
  let savedStep = checkpoint ? step : -1;
  let lastStep: StepMetrics | null = null;
  let lastValidation: ValidationMetrics | null = null;

  const save = async (): Promise<string> => {
    if (saved !== null && savedStep === step) return saved;
    saved = await writeCheckpoint(
      output,
      {
        ...{ program: options.program, step, tokens, seconds: secondsNow() },
        createdAt: new Date(options.now?.() ?? Date.now()).toISOString(),
        ...{ config: options.config, inputs: options.inputs },
        ...{ task: task.state(), divergence: detector.state, files: await log.positions() },
      },
      task.tensors(),
    );
    savedStep = step;
    await pruneCheckpoints(output, options.keepCheckpoints, step);
    await options.afterCheckpoint?.(step);
    return saved;
  };
  const evaluate = async (): Promise<void> => {
    const report = await task.evaluate();
    if (!report) return;
    if (!Number.isFinite(report.loss)) throw invalidValidation(report.loss, step, saved);
    lastValidation = {
      ...{ step, validationLoss: report.loss, validationTokens: report.tokens, seconds: secondsNow() },
      ...report.extra,
    };
    await log.add(lastValidation);
    const extra = Object.entries(report.extra ?? {}).map(
      ([name, value]) => `, ${name} ${value.toPrecision(4)}`,
    );
    progress.note(`validation at step ${step}: loss ${report.loss.toFixed(4)}${extra.join('')}`);
  };

  try {
    while (step < task.totalSteps) {
      await setImmediate();
      if (options.signal.aborted) break;
      const before = performance.now();
      const report = await task.step(step + 1);
      const took = (performance.now() - before) / 1000;
      refuseNonFinite(report, step + 1, saved);
      step += 1;
      tokens += report.tokens;
      lastStep = {
        ...{ step, epoch: report.epoch, tokens, loss: report.loss, gradNorm: report.gradNorm },
        ...{
          learningRate: report.learningRate,
          tokensPerSecond: report.tokens / took,
          seconds: secondsNow(),
        },
        ...report.extra,
      };
      await log.add(lastStep);
      progress.step(lastStep);
      if (detector.add(report.loss)) throw ranAway(report, step, detector, options.divergence!, saved);
      const last = step === task.totalSteps;
      if (last || isDue(step, options.evaluateEverySteps)) await evaluate();
      if (last || isDue(step, options.checkpointEverySteps)) await save();
    }
    const path = await save();
    const finished = step === task.totalSteps;
    return { finished, step, tokens, seconds: secondsNow(), checkpoint: path, lastStep, lastValidation };
  } finally {
    progress.stop();
    await log.close();
  }
}

function isDue(step: number, every: number): boolean {
  return every > 0 && step % every === 0;
}

function refuseNonFinite(report: StepReport, step: number, saved: string | null): void {
  const { loss, gradNorm } = report;
  if (Number.isFinite(loss) && Number.isFinite(gradNorm)) return;
  const [first] = report.nonFinite ?? [];
  const where = first === undefined ? '' : `, first in ${first}`;
  const what = Number.isFinite(loss) ? `the gradient norm is ${gradNorm}${where}` : `the loss is ${loss}`;
  throw diverged(`Step ${step}: ${what}`, report, step, saved);
}

function ranAway(
  report: StepReport,
  step: number,
  detector: DivergenceDetector,
  { factor, steps }: DivergenceSettings,
  saved: string | null,
): HaetaeError {
  const what =
    `Step ${step}: the smoothed loss ${detector.smoothed.toPrecision(4)} has been over ${factor} times its best ` +
    `(${detector.state.best?.toPrecision(4)}) for ${steps} steps`;
  return diverged(what, report, step, saved);
}

function invalidValidation(loss: number, step: number, saved: string | null): HaetaeError {
  return new HaetaeError(
    'TRAINING_DIVERGED',
    `Validation at step ${step}: the loss is ${loss}, though that of training is finite. ${keptText(saved)} ` +
      'Train anew with a lower optimizer.learningRate; or look for what only the validation documents have.',
    { step, checkpoint: saved },
  );
}

function keptText(saved: string | null): string {
  return saved === null ? 'There is no checkpoint yet.' : `The last checkpoint, ${saved}, is kept.`;
}

function diverged(what: string, report: StepReport, step: number, saved: string | null): HaetaeError {
  const shown = report.documents.slice(0, 8).join(', ');
  const more = report.documents.length > 8 ? ` and ${report.documents.length - 8} more` : '';
  return new HaetaeError(
    'TRAINING_DIVERGED',
    `${what}. Its batch came from ${shown || 'no document'}${more}. ${keptText(saved)} ` +
      'Look at these documents; else train anew with a lower optimizer.learningRate or more warm-up.',
    { step, documents: report.documents, checkpoint: saved },
  );
}
