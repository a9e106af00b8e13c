/**
 * Asks the process of a run to stop (SIGTERM): it ends between two pieces of work, and the next run goes on from there.
 * It is the process that holds the lock of the pipeline, so that no other with its id is hit.
 */
import { join } from 'node:path';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { lockOwner, pipelineLockName } from '../../shared/training-run/process-lock.js';
import type { FoundRun } from '../../shared/training-run/read-runs.js';

/** Whether there was something to stop. @throws HaetaeError FORBIDDEN where the process is another user's */
export async function stopRun({ record, pipelineFolder }: FoundRun): Promise<boolean> {
  if (record.status !== 'running') return false;
  const owner = await lockOwner(join(pipelineFolder, pipelineLockName));
  if (owner?.pid !== record.pid) return false;
  try {
    process.kill(owner.pid, 'SIGTERM');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw new HaetaeError(
      'FORBIDDEN',
      `Process ${owner.pid} of the run may not be stopped from here: ${messageOf(error)}.`,
    );
  }
}
