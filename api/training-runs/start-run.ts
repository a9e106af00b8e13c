/**
 * Starts a run of a pipeline as a process of its own, `haetae train run`, that goes on when this server ends. What it
 * prints goes to `<pipeline>/console/<run id>.log`.
 *
 * It is waited for until the run has written its record, so that who asked can look at it; a run that ends before
 * that has refused its arguments, and what it said is the answer.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { access, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HaetaeError } from '../../shared/errors.js';
import { readPackageInfo } from '../../shared/package-info.js';
import { lockOwner, pipelineLockName } from '../../shared/training-run/process-lock.js';
import { newRunId } from '../../shared/training-run/run-id.js';
import { runFileName } from '../../shared/training-run/run-record.js';
import { ownCommandLine, type TrainProgram } from '../../shared/training-run/train-program.js';
import type { Config } from '../config.js';
import type { StartTrainingRun } from '../schemas/training-runs.js';
import { findConfiguration } from './find-configuration.js';
import { readTail } from './read-tail.js';

export interface StartedRun {
  runId: string;
  pipeline: string;
}

export interface StartRunOptions {
  config: Pick<Config, 'trainingDir' | 'trainingConfigs'>;
  /** Default: the command line of this program. */
  program?: TrainProgram | undefined;
  now?: () => Date;
  random?: () => number;
}

/** Longest wait for the record of a run; it is started either way. */
const recordWaitMs = 20_000;
const lookEveryMs = 50;

export function runStarter(options: StartRunOptions): (request: StartTrainingRun) => Promise<StartedRun> {
  const { trainingDir, trainingConfigs } = options.config;
  const { program = ownCommandLine(), now = () => new Date() } = options;
  /** Pipelines whose run is starting, and has no lock yet. */
  const starting = new Set<string>();

  return async ({ config, ...stages }) => {
    const { path, pipeline } = await findConfiguration(trainingConfigs, config);
    const out = join(trainingDir, pipeline);
    const owner = await lockOwner(join(out, pipelineLockName));
    if (owner !== null || starting.has(pipeline)) throw running(pipeline);
    starting.add(pipeline);
    try {
      const runId = newRunId(now(), options.random);
      const log = join(out, 'console', `${runId}.log`);
      const words = ['train', 'run', path, '--out', out, '--run-id', runId, '--trigger', 'api'];
      for (const [option, stage] of Object.entries(stages)) words.push(`--${option}`, stage);
      const child = await startDetached([...program.execArgv, program.path, ...words], log);
      await recordOf(child, join(out, 'runs', runId, runFileName), log, pipeline);
      return { runId, pipeline };
    } finally {
      starting.delete(pipeline);
    }
  };
}

async function startDetached(words: readonly string[], log: string): Promise<ChildProcess> {
  await mkdir(join(log, '..'), { recursive: true });
  const output = await open(log, 'a');
  try {
    const child = spawn(process.execPath, words, {
      cwd: readPackageInfo().root, // where relative paths of a configuration start
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve).once('error', reject);
    });
    child.unref();
    return child;
  } finally {
    await output.close();
  }
}

/** @throws HaetaeError where the process ends without a record */
async function recordOf(child: ChildProcess, record: string, log: string, pipeline: string): Promise<void> {
  const isThere = () =>
    access(record).then(
      () => true,
      () => false,
    );
  const ended = () => child.exitCode !== null || child.signalCode !== null;
  for (let waited = 0; waited < recordWaitMs; waited += lookEveryMs) {
    const over = ended(); // asked first, since the record may come just before the end
    if (await isThere()) return;
    if (over) throw await refusalOf(log, pipeline);
    await sleep(lookEveryMs);
  }
}

async function refusalOf(log: string, pipeline: string): Promise<HaetaeError> {
  const said = (await readTail(log, 8_192)).trim();
  const [, code, message] = /^haetae: ([A-Z_]+): ([\s\S]*)$/mu.exec(said) ?? [];
  if (code === 'TRAINING_RUNNING') return running(pipeline);
  if (message !== undefined) return new HaetaeError('REQUEST_INVALID', `The run did not start: ${message}`);
  return new HaetaeError('INTERNAL', `The run did not start; ${log} holds: ${said || 'nothing'}`);
}

function running(pipeline: string): HaetaeError {
  return new HaetaeError(
    'TRAINING_RUNNING',
    `A run of ${pipeline} is at work: see /training/runs?status=running. Wait for its end, or stop it.`,
    { pipeline },
  );
}
