/**
 * A lock file that names the process which holds it. One whose process is gone (killed) is taken over.
 */
import { link, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { asIdentity, isAlive, type ProcessIdentity, processIdentity } from './process-identity.js';

/** In a pipeline's output folder: held by the process that runs the pipeline. */
export const pipelineLockName = 'run.lock';

export interface TakenLock {
  /** Renews the file's time: a person, or another machine, sees that the holder lives. */
  beat(): Promise<void>;
  /** Gives it back. */
  release(): Promise<void>;
}

/** The lock at `path`, or the living process that has it. */
export async function takeProcessLock(path: string): Promise<TakenLock | ProcessIdentity> {
  const own = await processIdentity(process.pid);
  for (let attempt = 0; ; attempt++) {
    // A link appears with its content, which a file that is made and then written does not.
    const draft = `${path}.${process.pid}`;
    try {
      await writeFile(draft, `${JSON.stringify(own)}\n`);
      await link(draft, path);
      return {
        beat: () => utimes(path, new Date(), new Date()),
        release: () => rm(path, { force: true }),
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 3) throw error;
    } finally {
      await rm(draft, { force: true });
    }
    const owner = (await lockOwner(path)) ?? (await removeStale(path));
    if (owner) return owner;
  }
}

/** Another may have replaced it since it was read: then it is put back, and its owner returned. */
async function removeStale(path: string): Promise<ProcessIdentity | null> {
  const aside = `${path}.${process.pid}.stale`;
  try {
    await rename(path, aside);
  } catch {
    return null; // somebody else was quicker
  }
  const owner = await lockOwner(aside);
  if (owner) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  return owner;
}

/** The living process that holds the lock at `path`; null where there is none. */
export async function lockOwner(path: string): Promise<ProcessIdentity | null> {
  const text = await readFile(path, 'utf8').catch(() => '');
  let owner: ProcessIdentity | null = null;
  try {
    owner = asIdentity(JSON.parse(text));
  } catch {
    return null; // not a lock of ours: nobody holds it
  }
  return owner && (await isAlive(owner)) ? owner : null;
}
