/**
 * What `pretrain`, `sft-teacher`, `sft` and `distill` have in common: a run file of the configuration's section and of what the
 * pipeline decides, a run that goes on from its newest checkpoint, and its result as `model/`.
 *
 * ```
 * run.yaml   what is trained: haetae train PROGRAM run.yaml does the same
 * run/       figures, report, checkpoints (see training/run/run-folder.ts)
 * model/     the result; adapters are merged into the model they were trained on
 * ```
 */
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { stringify } from 'yaml';
import { HaetaeError } from '../../shared/errors.js';
import { writeAtomically } from '../../shared/write-atomically.js';
import { mergeAdapter } from '../model/merge-adapter.js';
import type { StageContext, StageSummary } from '../pipeline/stage-definition.js';
import { type ProgramDefinition, type ProgramResult, runProgram } from '../programs/run-program.js';
import { isValidation, metricsFile, readMetrics } from '../run/metrics-log.js';
import { parseRunFile } from '../run/read-run-file.js';
import type { Program, RunOf } from '../run/run-file-schema.js';
import type { TrainingProgress } from '../run/training-progress.js';
import type { TrainingDetails } from '../stages/details.js';
import { placeFolder, removePartial } from './place-folder.js';
import { modelName } from './student-folders.js';

type Fields = Readonly<Record<string, unknown>>;

/** Modules that decide what a run makes. */
export const trainingCode = {
  folders: [
    ...['../model-stages', '../programs', '../data', '../model', '../teacher', '../optimizer'],
    ...['../losses', '../blocks', '../autodiff', '../run', '../formats'],
    ...['../../shared/lm', '../../shared/onnx'],
  ],
  libraries: ['onnxruntime-node', 'tokenizers'],
} as const;

/** Files and folders that a section names itself. */
export function sectionPaths(section: {
  data?: { train?: readonly string[]; validation?: readonly string[] };
  model?: { from?: string };
  tokenizer?: { from?: string };
}): string[] {
  const { data, model, tokenizer } = section;
  const named = [model?.from, tokenizer?.from].filter((path) => path !== undefined);
  return [...(data?.train ?? []), ...(data?.validation ?? []), ...named];
}

export interface StageTraining<P extends Program> {
  definition: ProgramDefinition<RunOf[P]>;
  program: P;
  /** Of the run file, where the section is silent. */
  defaults: Fields;
  /** The configuration's. */
  section: Fields;
  /** What the pipeline decides. */
  fixed: Fields;
  /** Model it begins with, which adapters belong to; null: new weights. */
  from: string | null;
  teacher?: string;
}

/** What is left to the pipeline once a stage has its checkpoints: one is enough to go on from. */
const pipelineDefaults = { checkpoint: { keep: 1 } };

/**
 * @throws HaetaeError what reading the run file and running it throw; the signal's reason where it was stopped, all
 * steps being saved
 */
export async function runTraining<P extends Program>(
  context: StageContext,
  training: StageTraining<P>,
): Promise<StageSummary> {
  const { folder, signal, threads, config } = context;
  const { program, from } = training;
  const output = join(folder, 'run');
  const path = join(folder, 'run.yaml');
  const own = { program, output, seed: config.seed, ...training.fixed };
  const fields = [pipelineDefaults, training.defaults, training.section, own].reduce(merged, {});
  const text = stringify(oneOfStepsAndEpochs(fields, training.section));
  await writeAtomically(path, text);
  const run = parseRunFile(program, text, path, { threads });

  const { result } = await resumed(context, output, () =>
    runProgram(training.definition, run, {
      ...{ resume: true, dryRun: false, signal, resumeCommand: 'haetae train run, as before' },
      log: (line) => {
        // What a person would do next, the pipeline does.
        if (!line.startsWith('next ')) context.log(line);
      },
      note: context.log,
      startProgress: (firstStep, totalSteps) => stepProgress(context, program, firstStep, totalSteps),
    }),
  );
  if (result === null) {
    signal.throwIfAborted();
    throw new HaetaeError('TRAINING_STAGE_FAILED', `haetae train ${program} ended without a result.`);
  }
  const lora = basename(result) === 'adapter' ? await merge(context, from, result) : null;
  if (lora === null) await placeFolder(result, join(folder, modelName), signal);
  return summaryOf(training, output, lora);
}

/** A run whose settings or data are others than those of its checkpoint begins anew. */
async function resumed(
  { log }: StageContext,
  output: string,
  run: () => Promise<ProgramResult>,
): Promise<ProgramResult> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof HaetaeError) || !Array.isArray(error.data.differences)) throw error;
    log(`begins anew: ${error.data.differences.join('; ')}`);
    await rm(output, { recursive: true, force: true });
    return run();
  }
}

async function merge(
  { folder, signal, progress }: StageContext,
  base: string | null,
  adapter: string,
): Promise<{ r: number; alpha: number }> {
  if (base === null) throw new HaetaeError('INTERNAL', 'There is an adapter, and no model that it is of.');
  const out = join(folder, modelName);
  await removePartial(out);
  await rm(out, { recursive: true, force: true });
  const { r, alpha } = await mergeAdapter({
    ...{ base, adapter, out, signal },
    progress: (total) => progress('merge', total),
  });
  return { r, alpha };
}

function stepProgress(
  { progress, log }: StageContext,
  label: string,
  firstStep: number,
  totalSteps: number,
): TrainingProgress {
  const bar = progress(label, totalSteps);
  for (let step = 1; step < firstStep; step++) bar.tick();
  return {
    step: ({ loss }) => bar.tick(`loss ${loss.toFixed(4)}`),
    note: log,
    stop: () => bar.stop(),
  };
}

async function summaryOf<P extends Program>(
  { program, from, teacher }: StageTraining<P>,
  output: string,
  lora: TrainingDetails['lora'],
): Promise<StageSummary> {
  const metrics = await readMetrics(output);
  const steps = metrics.filter((line) => !isValidation(line));
  const ends = (losses: readonly number[]) => {
    const [first, last] = [losses[0], losses.at(-1)];
    return first === undefined || last === undefined ? null : { first, last };
  };
  const last = steps.at(-1);
  const details: TrainingDetails = {
    program,
    metrics: join('run', metricsFile),
    report: join('run', 'report.html'),
    steps: last?.step ?? 0,
    tokens: last?.tokens ?? 0,
    seconds: metrics.at(-1)?.seconds ?? 0,
    loss: ends(steps.flatMap(({ loss }) => (loss === undefined ? [] : [loss]))),
    validationLoss: ends(metrics.flatMap((line) => (isValidation(line) ? [line.validationLoss] : []))),
    lora,
    from,
    teacher: teacher ?? null,
  };
  const { loss, validationLoss } = details;
  return {
    figures: {
      steps: details.steps,
      tokens: details.tokens,
      ...(loss ? { loss: round(loss.last) } : {}),
      ...(validationLoss ? { validationLoss: round(validationLoss.last) } : {}),
    },
    details,
  };
}

function round(value: number): number {
  return Number(value.toPrecision(5));
}

/** Sections are merged, lists and values replaced. */
function merged(below: Fields, above: Fields): Fields {
  const result: Record<string, unknown> = { ...below };
  for (const [name, value] of Object.entries(above)) {
    if (value === undefined) continue;
    const under = result[name];
    result[name] = isSection(under) && isSection(value) ? merged(under, value) : value;
  }
  return result;
}

function isSection(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A run file has one of the two: a section with steps has no use for the epochs of the defaults. */
function oneOfStepsAndEpochs(fields: Fields, section: Fields): Fields {
  if (section.steps === undefined) return fields;
  const { epochs: _, ...rest } = fields;
  return section.epochs === undefined ? rest : fields;
}
