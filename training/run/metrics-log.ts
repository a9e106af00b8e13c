/**
 * The figures of a run, one line of JSON a step in `metrics.jsonl` and as TensorBoard events.
 *
 * A line of a step: `step, epoch, tokens` (since the run began), `loss, gradNorm, learningRate, tokensPerSecond` (of
 * this step), `seconds` (in training since the run began). A line of a validation: `step, validationLoss,
 * validationTokens, seconds`. Figures that a program adds follow by their own names.
 *
 * A resumed run cuts both files back to its checkpoint, then goes on: in `metrics.jsonl`, and in an event file of its
 * own, whose first event tells TensorBoard to forget later steps that it has read already.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { AppendFile } from './append-file.js';
import { fileVersionRecord, scalarsRecord, sessionStartRecord } from './tensorboard-events.js';

export interface StepMetrics {
  step: number;
  epoch: number;
  tokens: number;
  loss: number;
  gradNorm: number;
  learningRate: number;
  tokensPerSecond: number;
  seconds: number;
  [extra: string]: number;
}

export interface ValidationMetrics {
  step: number;
  validationLoss: number;
  validationTokens: number;
  seconds: number;
  [extra: string]: number;
}

/** Bytes of each file, by its name in the folder of the run. */
export type FilePositions = Readonly<Record<string, number>>;

export const metricsFile = 'metrics.jsonl';
export const eventFilePattern = /^events\.out\.tfevents\./u;

/** Curves of TensorBoard: fields that are none are left out. */
const tags: Readonly<Record<string, string>> = {
  epoch: 'progress/epoch',
  tokens: 'progress/tokens',
  loss: 'loss/train',
  validationLoss: 'loss/validation',
  gradNorm: 'optimizer/gradNorm',
  learningRate: 'optimizer/learningRate',
  tokensPerSecond: 'speed/tokensPerSecond',
};
const notCurves = new Set(['step', 'seconds', 'validationTokens']);

export class MetricsLog {
  readonly #folder: string;
  readonly #lines: AppendFile;
  readonly #events: AppendFile;
  /** Event files of the run before it was resumed. */
  readonly #earlier: FilePositions;
  readonly #now: () => number;

  private constructor(
    folder: string,
    lines: AppendFile,
    events: AppendFile,
    earlier: FilePositions,
    now: () => number,
  ) {
    this.#folder = folder;
    this.#lines = lines;
    this.#events = events;
    this.#earlier = earlier;
    this.#now = now;
  }

  /**
   * @param from where the checkpoint stood, null for a run from its beginning
   * @param now milliseconds since 1970
   * @throws HaetaeError CONFIG_INVALID where a file is shorter than it was then
   */
  static async open(
    folder: string,
    from: { step: number; files: FilePositions } | null,
    now: () => number = Date.now,
  ): Promise<MetricsLog> {
    const earlier: Record<string, number> = {};
    for (const name of (await readdir(folder).catch((): string[] => [])).filter((it) =>
      eventFilePattern.test(it),
    )) {
      const keep = from?.files[name];
      if (keep === undefined) await rm(join(folder, name));
      else {
        earlier[name] = keep;
        await (await AppendFile.open(join(folder, name), keep)).close();
      }
    }
    const lines = await AppendFile.open(join(folder, metricsFile), from?.files[metricsFile] ?? 0);
    const host = hostname().replace(/[^\w.-]/gu, '_') || 'localhost';
    // TensorBoard reads event files in the order of their names.
    let second = Math.floor(now() / 1000);
    const name = () => `events.out.tfevents.${String(second).padStart(10, '0')}.${host}`;
    while (name() in earlier) second += 1;
    const events = await AppendFile.open(join(folder, name()), 0);
    await events.append(fileVersionRecord(now() / 1000));
    if (from) await events.append(sessionStartRecord(now() / 1000, from.step + 1));
    return new MetricsLog(folder, lines, events, earlier, now);
  }

  async add(metrics: StepMetrics | ValidationMetrics): Promise<void> {
    await this.#lines.append(`${JSON.stringify(metrics)}\n`);
    const curves = Object.entries(metrics)
      .filter(([name]) => !notCurves.has(name))
      .map(([name, value]) => [tags[name] ?? `program/${name}`, value]);
    await this.#events.append(
      scalarsRecord(this.#now() / 1000, metrics.step, Object.fromEntries(curves) as Record<string, number>),
    );
  }

  /** Puts what was added on disk, and says how far the files reach. */
  async positions(): Promise<FilePositions> {
    await this.#lines.sync();
    await this.#events.sync();
    const eventName = this.#events.path.slice(this.#folder.length + 1);
    return { [metricsFile]: this.#lines.bytes, ...this.#earlier, [eventName]: this.#events.bytes };
  }

  async close(): Promise<void> {
    await this.#lines.close();
    await this.#events.close();
  }
}

/** All lines of `metrics.jsonl`; none where there is no such file. A last line without its end is left out. */
export async function readMetrics(folder: string): Promise<(StepMetrics | ValidationMetrics)[]> {
  const text = await readFile(join(folder, metricsFile), 'utf8').catch(() => '');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as StepMetrics | ValidationMetrics);
}

export function isValidation(metrics: StepMetrics | ValidationMetrics): metrics is ValidationMetrics {
  return 'validationLoss' in metrics;
}
