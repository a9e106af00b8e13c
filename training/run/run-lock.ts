/**
 * Keeps two processes from training into one folder: `run.lock` names the process that does.
 *
 * A lock whose process is gone (killed) is taken over. A process is known by its id and, where the system tells, the
 * time it started at, since ids are used again.
 */
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError } from '../../shared/errors.js';

interface Owner {
  pid: number;
  /** Clock ticks since boot (`/proc/PID/stat`, field 22); null where there is no /proc. */
  startedAt: string | null;
}

/** Takes the lock and returns what gives it back. @throws HaetaeError CONFIG_INVALID where another process has it. */
export async function lockRun(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'run.lock');
  const own: Owner = { pid: process.pid, startedAt: await startOf(process.pid) };
  for (let attempt = 0; ; attempt++) {
    // A link appears with its content, which a file that is made and then written does not.
    const draft = `${path}.${process.pid}`;
    try {
      await writeFile(draft, `${JSON.stringify(own)}\n`);
      await link(draft, path);
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 3) throw error;
    } finally {
      await rm(draft, { force: true });
    }
    const owner = await readOwner(path);
    if (owner && (await isAlive(owner))) {
      throw new HaetaeError(
        'CONFIG_INVALID',
        `Process ${owner.pid} is training into ${folder}. Wait for it, stop it, or choose another --output.`,
        { path, pid: owner.pid },
      );
    }
    await rm(path, { force: true });
  }
}

async function readOwner(path: string): Promise<Owner | null> {
  try {
    const owner = JSON.parse(await readFile(path, 'utf8')) as Partial<Owner> | null;
    return Number.isSafeInteger(owner?.pid) && (owner!.pid as number) > 0 ? (owner as Owner) : null;
  } catch {
    return null;
  }
}

async function isAlive(owner: Owner): Promise<boolean> {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // Another user's process may not be signalled, but it lives.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return owner.startedAt === null || (await startOf(owner.pid)) === owner.startedAt;
}

async function startOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name of the program, in parentheses, may hold spaces; field 22 is the 20th after it.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}
