/** Keeps two processes from training into one folder: `run.lock` names the process that does. */
import { join } from 'node:path';
import { HaetaeError } from '../../shared/errors.js';
import { takeProcessLock } from '../../shared/training-run/process-lock.js';

/** Takes the lock and returns what gives it back. @throws HaetaeError CONFIG_INVALID where another process has it. */
export async function lockRun(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'run.lock');
  const lock = await takeProcessLock(path);
  if ('release' in lock) return lock.release;
  throw new HaetaeError(
    'CONFIG_INVALID',
    `Process ${lock.pid} is training into ${folder}. Wait for it, stop it, or choose another --output.`,
    { path, pid: lock.pid },
  );
}
