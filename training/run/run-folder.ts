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
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { type CheckpointFolder, newestCheckpoint, removePartialCheckpoints } from './checkpoint-folder.js';
import { lockRun } from './run-lock.js';

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
 * @throws HaetaeError CONFIG_INVALID where it holds a run and `resume` is not wanted, holds one of another program,
 * or another process trains into it
 */
export async function openRunFolder(path: string, options: OpenRunFolderOptions): Promise<RunFolder> {
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw new HaetaeError(
      'CONFIG_INVALID',
      `The output folder ${path} cannot be made (${messageOf(error)}). Choose another with --output.`,
      { path },
    );
  });
  const unlock = await lockRun(path);
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
    if (!options.resume) await refuseUsed(path, checkpoint);
    return { path, checkpoint: options.resume ? checkpoint : null, close: unlock };
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function refuseUsed(path: string, checkpoint: CheckpointFolder | null): Promise<void> {
  const names = await readdir(path);
  const result = resultFolders.find((name) => names.includes(name));
  const found = checkpoint ? `a run at step ${checkpoint.meta.step}` : result && `a result (${result}/)`;
  if (found === undefined) return;
  throw new HaetaeError(
    'CONFIG_INVALID',
    `${path} already holds ${found}. Add --resume to go on with it, or choose another folder with --output.`,
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
