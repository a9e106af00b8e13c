/**
 * What every program does around its training: the folder of the run, what may be resumed, the memory estimate, the
 * plan, the loop, the report, the result. What is trained, and on what, is the program's own (`ProgramDefinition`).
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { HaetaeError } from '../../shared/errors.js';
import { nativeKernels } from '../../shared/onnx/native-session.js';
import { readPackageInfo } from '../../shared/package-info.js';
import { writeAtomically } from '../../shared/write-atomically.js';
import type { MatmulPrecision, TrainingKernels } from '../autodiff/tape.js';
import { bestTrainingKernels } from '../autodiff/training-graph.js';
import { availableMemory } from '../run/available-memory.js';
import {
  mebibytes,
  type MemoryPart,
  memoryEstimate,
  memoryTable,
  refuseTooLarge,
} from '../run/memory-estimate.js';
import { inputDifferences, refuseDifferences, settingDifferences } from '../run/run-difference.js';
import type { CommonRun, Program } from '../run/run-file-schema.js';
import { hasResult, openRunFolder, type resultFolders, type RunFolder } from '../run/run-folder.js';
import { trainLoop, type TrainLoopResult } from '../run/train-loop.js';
import { durationText, startTrainingProgress, type TrainingProgress } from '../run/training-progress.js';
import type { TrainingTask } from '../run/training-task.js';
import type { FactTable } from '../run/report-page.js';
import { writeReport } from '../run/write-report.js';

export interface ProgramOptions {
  /** Go on from the newest checkpoint; from the beginning where there is none. */
  resume: boolean;
  /** Say what would be done, and how long it would take; nothing is kept. */
  dryRun: boolean;
  signal: AbortSignal;
  /** Results, for stdout. */
  log: (line: string) => void;
  /** What a person should know while it runs, for stderr. */
  note: (line: string) => void;
  /** What to type to go on after an interrupt. */
  resumeCommand: string;
  /** Shows the steps; default: on stderr. Called with the first that is made and the number of all. */
  startProgress?: (firstStep: number, totalSteps: number) => TrainingProgress;
}

export interface ProgramContext {
  /** Folder of the run, where intermediate files may be kept. */
  output: string;
  threads: number;
  kernels: TrainingKernels;
  matmulPrecision: MatmulPrecision;
  /** Nothing will be trained: what takes long may be left out. */
  dryRun: boolean;
  /** A checkpoint is gone on from. If not, what an earlier start left in `output` may be of other settings. */
  resumed: boolean;
  signal: AbortSignal;
  note: (line: string) => void;
}

export interface ProgramTask extends TrainingTask {
  /** Seconds and tokens of one step, measured without making one. */
  timeStep(): Promise<{ seconds: number; tokens: number }>;
  close(): Promise<void>;
}

/** A program that is ready to train, before anything large is in memory. */
export interface Preparation {
  totalSteps: number;
  memory: readonly MemoryPart[];
  /** Facts for the plan and the report, by heading. */
  tables: Readonly<Record<string, FactTable>>;
  /** Takes the memory and opens the sessions. */
  open(): Promise<ProgramTask>;
  result: (typeof resultFolders)[number];
  /** Writes the result as a new folder. */
  save(folder: string): Promise<void>;
  /** What to run next, given the folder of the result. */
  next(result: string): readonly string[];
}

export interface ProgramDefinition<Run extends CommonRun> {
  program: Program;
  /** sha256 of what the run reads, by a name for people. */
  inputs(run: Run): Promise<Record<string, string>>;
  prepare(run: Run, context: ProgramContext): Promise<Preparation>;
}

export interface ProgramResult {
  outcome: 'planned' | 'finished' | 'interrupted';
  /** Last step that was made. */
  step: number;
  /** Folder of the result, where it was written. */
  result: string | null;
}

/** Added to every estimate: sessions, thread pools and the JavaScript heap, 22 to 27 MiB where it was measured. */
const overheadBytes = 64 * 2 ** 20;

/**
 * Runs a program to its end, or to an interrupt.
 * @throws HaetaeError CONFIG_INVALID, TRAINING_MEMORY, TRAINING_DIVERGED, TRAINING_DATA_INVALID, MODEL_INVALID, …
 */
export async function runProgram<Run extends CommonRun>(
  definition: ProgramDefinition<Run>,
  run: Run,
  options: ProgramOptions,
): Promise<ProgramResult> {
  const { program } = definition;
  const machine = chooseKernels(run, options.note);
  if (options.dryRun) {
    const output = await mkdtemp(join(tmpdir(), 'haetae-plan-'));
    try {
      const { signal, note } = options;
      const context = { output, ...machine, dryRun: true, resumed: false, signal, note };
      return await plan(program, await definition.prepare(run, context), options);
    } finally {
      await rm(output, { recursive: true, force: true });
    }
  }
  const folder = await openRunFolder(run.output, { program, resume: options.resume, warn: options.note });
  try {
    const { checkpoint } = folder;
    if (options.resume && !checkpoint) {
      options.note(`${program}: no checkpoint in ${run.output} yet, so it starts from the beginning`);
    }
    if (checkpoint)
      refuseDifferences(checkpoint.path, settingDifferences(checkpoint.meta.config, { ...run }));
    const inputs = await definition.inputs(run);
    if (checkpoint) refuseDifferences(checkpoint.path, inputDifferences(checkpoint.meta.inputs, inputs));
    const context = {
      output: run.output,
      ...machine,
      dryRun: false,
      resumed: checkpoint !== null,
      signal: options.signal,
      note: options.note,
    };
    const preparation = await definition.prepare(run, context);
    if (checkpoint?.meta.step === preparation.totalSteps && (await hasResult(run.output))) {
      options.log(`${program}: ${run.output} has been trained to its end already`);
      return {
        outcome: 'finished',
        step: checkpoint.meta.step,
        result: join(run.output, preparation.result),
      };
    }
    return await train(definition.program, preparation, run, inputs, folder, machine, options);
  } finally {
    await folder.close();
  }
}

interface Machine {
  threads: number;
  kernels: TrainingKernels;
  matmulPrecision: MatmulPrecision;
}

function chooseKernels(run: CommonRun, note: (line: string) => void): Machine {
  const threads = run.threads ?? availableParallelism();
  const { matmulPrecision } = run;
  const best = bestTrainingKernels();
  if (run.kernels === 'haetae' && best.kernels !== 'haetae') {
    throw new HaetaeError(
      'CONFIG_INVALID',
      `kernels is haetae, and ours do not run here: ${best.reason}. Set kernels: auto, or correct that.`,
    );
  }
  const kernels = run.kernels === 'auto' ? best.kernels : run.kernels;
  const native = nativeKernels();
  if (matmulPrecision !== 'highest' && (kernels !== 'haetae' || native.kernel !== 'amx')) {
    const reason = native.kernel === null ? native.reason : 'the processor has no AMX tiles';
    throw new HaetaeError(
      'CONFIG_INVALID',
      `matmulPrecision is ${matmulPrecision}, which cannot be computed here: ${reason}. Set matmulPrecision: highest.`,
      { matmulPrecision },
    );
  }
  if (run.kernels === 'auto' && best.reason)
    note(`slower operators of ONNX Runtime are used: ${best.reason}`);
  return { threads, kernels, matmulPrecision };
}

async function plan(
  program: Program,
  preparation: Preparation,
  { log, signal }: ProgramOptions,
): Promise<ProgramResult> {
  const estimate = memoryEstimate([
    ...preparation.memory,
    { name: 'sessions and program', bytes: overheadBytes },
  ]);
  const available = await availableMemory();
  log(`${program}: a plan, nothing is written`);
  for (const [heading, rows] of Object.entries(preparation.tables)) {
    for (const line of factLines(heading, rows)) log(line);
  }
  log('Memory');
  for (const line of memoryTable(estimate)) log(`  ${line}`);
  log(`  available ${mebibytes(available.bytes)} (${available.limitedBy})`);
  const { totalSteps } = preparation;
  if (estimate.bytes > available.bytes) {
    log('  It does not fit: the run would be refused, and its time was not measured');
    return { outcome: 'planned', step: 0, result: null };
  }
  const task = await preparation.open();
  try {
    const { seconds, tokens } = await task.timeStep();
    if (signal.aborted) return { outcome: 'interrupted', step: 0, result: null };
    log('Time');
    log(`  ${totalSteps.toLocaleString('en-US')} steps of about ${tokens.toLocaleString('en-US')} tokens`);
    log(
      `  ${seconds.toPrecision(3)} s a step, ${Math.round(tokens / seconds).toLocaleString('en-US')} tokens/s, measured here on a batch of the data`,
    );
    log(`  about ${durationText(seconds * totalSteps)} without validation`);
  } finally {
    await task.close();
  }
  return { outcome: 'planned', step: 0, result: null };
}

async function train(
  program: Program,
  preparation: Preparation,
  run: CommonRun,
  inputs: Record<string, string>,
  folder: RunFolder,
  machine: Machine,
  options: ProgramOptions,
): Promise<ProgramResult> {
  const { output } = run;
  const { totalSteps } = preparation;
  const estimate = memoryEstimate([
    ...preparation.memory,
    { name: 'sessions and program', bytes: overheadBytes },
  ]);
  refuseTooLarge(estimate, await availableMemory(), run.memory.allowOvercommit, options.note);
  const config = { ...run };
  const tables = {
    ...preparation.tables,
    Machine: machineTable(machine, estimate.bytes),
  };
  const report = (outcome: string, written: FactTable = []) =>
    writeReport(output, {
      ...{ program, totalSteps, outcome, config },
      tables: written.length > 0 ? { ...tables, Written: written } : tables,
    });
  await writeAtomically(
    join(output, 'run.json'),
    `${JSON.stringify({ program, version: readPackageInfo().version, totalSteps, config, inputs, ...tables }, null, 2)}\n`,
  );
  const task = await preparation.open();
  try {
    const trained = await trainLoop(task, {
      ...{ program, output, config, inputs },
      checkpoint: folder.checkpoint,
      evaluateEverySteps: run.evaluation.everySteps,
      checkpointEverySteps: run.checkpoint.everySteps,
      keepCheckpoints: run.checkpoint.keep,
      ...{ divergence: run.divergence, signal: options.signal },
      startProgress:
        options.startProgress ??
        ((firstStep, total) => startTrainingProgress({ label: program, firstStep, totalSteps: total })),
      afterCheckpoint: async (step) => void (await report(`in training, step ${step}`)),
    });
    if (!trained.finished) {
      await report(`stopped at step ${trained.step}`);
      options.log(
        `${program}: stopped at step ${trained.step} of ${totalSteps}; saved ${trained.checkpoint}`,
      );
      options.log(`next   ${options.resumeCommand}`);
      return { outcome: 'interrupted', step: trained.step, result: null };
    }
    const result = join(output, preparation.result);
    await saveAnew(result, preparation);
    await report('finished', [
      [preparation.result, result],
      ['last checkpoint', trained.checkpoint],
    ]);
    for (const line of summary(program, trained, result, output, preparation.next(result))) options.log(line);
    return { outcome: 'finished', step: trained.step, result };
  } catch (error) {
    if (error instanceof HaetaeError && error.code === 'TRAINING_DIVERGED') await report('diverged');
    throw error;
  } finally {
    await task.close();
  }
}

/** A result that a run killed at its very end has left is written again. */
async function saveAnew(result: string, preparation: Preparation): Promise<void> {
  const parent = join(result, '..');
  const name = preparation.result;
  for (const left of (await readdir(parent)).filter(
    (it) => it.startsWith(`${name}.`) && it.endsWith('.partial'),
  )) {
    await rm(join(parent, left), { recursive: true, force: true });
  }
  await rm(result, { recursive: true, force: true });
  await preparation.save(result);
}

function machineTable({ threads, kernels, matmulPrecision }: Machine, bytes: number): FactTable {
  return [
    ['Threads', String(threads)],
    ['Operators', kernels === 'haetae' ? 'haetae' : 'ONNX Runtime'],
    ['Matrix products', matmulPrecision],
    ['Memory, estimated', mebibytes(bytes)],
  ];
}

function factLines(heading: string, rows: FactTable): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return [heading, ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)];
}

function summary(
  program: Program,
  { step, tokens, seconds, lastStep, lastValidation }: TrainLoopResult,
  result: string,
  output: string,
  next: readonly string[],
): string[] {
  const losses = [
    lastStep ? `, loss ${lastStep.loss.toFixed(4)}` : '',
    lastValidation ? `, validation ${lastValidation.validationLoss.toFixed(4)}` : '',
  ];
  return [
    `${program}: ${step} steps, ${tokens.toLocaleString('en-US')} tokens in ${durationText(seconds)}${losses.join('')}`,
    `wrote  ${result}, ${join(output, 'report.html')}, ${join(output, 'metrics.jsonl')}`,
    ...next.map((line) => `next   ${line}`),
  ];
}
