/**
 * Asks the process of a run to stop (SIGTERM): it ends between two pieces of work, and the next run goes on from there.
 * It is the process that holds the lock of the pipeline, so that no other with its id is hit.
 *
 * It is asked once: a second signal would end it at once, without a word in its record, and whoever repeats a request
 * wants no more than who sends it once.
 */
import { join } from 'node:path';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { lockOwner, pipelineLockName } from '../../shared/training-run/process-lock.js';
import type { FoundRun } from '../../shared/training-run/read-runs.js';

/**
 * Whether there was something to stop.
 * @param asked ids of the runs that were asked already; this one is added
 * @throws HaetaeError FORBIDDEN where the process is another user's
 */
export async function stopRun({ record, pipelineFolder }: FoundRun, asked: Set<string>): Promise<boolean> {
  if (record.status !== 'running') return false;
  const owner = await lockOwner(join(pipelineFolder, pipelineLockName));
  if (owner?.pid !== record.pid) return false;
  if (asked.has(record.runId)) return true;
  try {
    process.kill(owner.pid, 'SIGTERM');
    asked.add(record.runId);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw new HaetaeError(
      'FORBIDDEN',
      `Process ${owner.pid} of the run may not be stopped from here: ${messageOf(error)}.`,
    );
  }
}
