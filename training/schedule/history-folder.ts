/** What lies in the folder of the history, besides the history itself. */
import { join } from 'node:path';

/** Held by the run at work, for the id of its entry. */
export const runLockName = 'run.lock';
/** Held by the process that waits for the clock. */
export const scheduleLockName = 'schedule.lock';

/** What a run has printed. */
export function printedLog(history: string, runId: string): string {
  return join(history, 'logs', `${runId}.log`);
}
