/**
 * The folder a run writes to:
 *
 * ```
 * run.json             the run file with all defaults, and what is known before the first step
 * metrics.jsonl        a line a step                    events.out.tfevents.*   the same for TensorBoard
 * report.html          curves                           checkpoint-N/           what `--resume` goes on from
 * model/ | adapter/    the result                       run.lock                while a process trains into it
 * ```
 */
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { type CheckpointFolder, newestCheckpoint, removePartialCheckpoints } from './checkpoint-folder.js';
import { eventFilePattern, metricsFile } from './metrics-log.js';
import { lockRun } from './run-lock.js';
import { programs } from './run-file-schema.js';

/** Names of results inside the folder. */
export const resultFolders = ['model', 'adapter'] as const;

export interface RunFolder {
  path: string;
  /** What the run goes on from; null at its beginning. */
  checkpoint: CheckpointFolder | null;
  /** Lets other processes train into the folder. */
  close(): Promise<void>;
}

export interface OpenRunFolderOptions {
  program: string;
  resume: boolean;
  /** Hears of checkpoints that are damaged. */
  warn: (line: string) => void;
}

/**
 * Makes or takes up the folder of a run.
 * @throws HaetaeError CONFIG_INVALID where it holds a run and `resume` is not wanted, holds one of another program or
 * files that are of no run here, cannot be written to, or another process trains into it
 */
export async function openRunFolder(path: string, options: OpenRunFolderOptions): Promise<RunFolder> {
  const refuse = (verb: string) => (error: unknown) => {
    if (error instanceof HaetaeError) throw error;
    throw new HaetaeError(
      'CONFIG_INVALID',
      `The output folder ${path} cannot be ${verb} (${messageOf(error)}). Choose another with --output.`,
      { path },
    );
  };
  await mkdir(path, { recursive: true }).catch(refuse('made'));
  const unlock = await lockRun(path).catch(refuse('written to'));
  try {
    await removePartialCheckpoints(path);
    const checkpoint = await newestCheckpoint(path, options.warn);
    if (checkpoint && checkpoint.meta.program !== options.program) {
      throw new HaetaeError(
        'CONFIG_INVALID',
        `${path} holds a run of haetae train ${checkpoint.meta.program}, not of ${options.program}. ` +
          'Choose another folder with --output.',
        { path },
      );
    }
    if (!checkpoint) await refuseOthersFiles(path);
    else if (!options.resume) throw used(path, `a run at step ${checkpoint.meta.step}`, goOn);
    return { path, checkpoint: options.resume ? checkpoint : null, close: unlock };
  } catch (error) {
    await unlock();
    throw error;
  }
}

const goOn = 'Add --resume to go on with it, or choose';

/**
 * What a run writes over or removes must be its own: a result without a checkpoint may be the very model that is
 * trained on, and figures without our `run.json` are those of another program.
 */
async function refuseOthersFiles(path: string): Promise<void> {
  const names = await readdir(path);
  const result = resultFolders.find((name) => names.includes(name));
  if (result !== undefined) {
    throw used(path, `a folder ${result}/, and no whole checkpoint it could be made anew from`, 'Choose');
  }
  const figures = names.find((name) => name === metricsFile || eventFilePattern.test(name));
  if (figures !== undefined && !(await hasRunFile(path))) {
    throw used(path, `${figures}, which is not of a run here`, 'Choose');
  }
}

async function hasRunFile(path: string): Promise<boolean> {
  try {
    const run = JSON.parse(await readFile(join(path, 'run.json'), 'utf8')) as { program?: unknown } | null;
    return programs.some((name) => name === run?.program);
  } catch {
    return false;
  }
}

function used(path: string, found: string, advice: string): HaetaeError {
  return new HaetaeError(
    'CONFIG_INVALID',
    `${path} already holds ${found}. ${advice} another folder with --output.`,
    { path },
  );
}

/** Whether the run in the folder has written its result. */
export async function hasResult(path: string): Promise<boolean> {
  for (const name of resultFolders) {
    const info = await stat(join(path, name)).catch(() => undefined);
    if (info?.isDirectory()) return true;
  }
  return false;
}
