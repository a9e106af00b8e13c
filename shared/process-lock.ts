/**
 * A file that names the process that holds it, so that only one of many works at something.
 *
 * A lock whose process is gone (killed) is free. A process is known by its id and, where the system tells, the time it
 * started at, since ids are used again. The holder writes the file anew from time to time (`beat`): on a file system
 * that several machines share, where ids say nothing, the age of the file does.
 */
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot (`/proc/PID/stat`, field 22); null where there is no /proc. */
  startedAt: string | null;
  /** Name of the machine. */
  host: string;
}

export interface HeldLock {
  /** Says that the holder lives. */
  beat(): Promise<void>;
  release(): Promise<void>;
}

/** Without a beat for so long, the lock of another machine is free. */
const silentMs = 120_000;

/** Takes the lock at `path`, or names the living process that has it. */
export async function tryLock(path: string): Promise<HeldLock | { owner: ProcessIdentity }> {
  const own = await ownIdentity();
  for (let attempt = 0; ; attempt++) {
    // A link appears with its content, which a file that is made and then written does not.
    const draft = `${path}.${own.pid}`;
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
    const owner = await lockOwner(path);
    if (owner) return { owner };
    await removeStale(path, own.pid);
  }
}

/** Put aside first, and put back if it turns out to be a lock that another process has just taken. */
async function removeStale(path: string, pid: number): Promise<void> {
  const aside = `${path}.${pid}.stale`;
  try {
    await rename(path, aside);
    if (await lockOwner(aside)) await link(aside, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

/** The living process that holds the lock at `path`; null where none does. */
export async function lockOwner(path: string): Promise<ProcessIdentity | null> {
  let owner: Partial<ProcessIdentity> | null;
  let beatAt: number;
  try {
    owner = JSON.parse(await readFile(path, 'utf8')) as Partial<ProcessIdentity> | null;
    beatAt = (await stat(path)).mtimeMs;
  } catch {
    return null;
  }
  if (!Number.isSafeInteger(owner?.pid) || (owner!.pid as number) <= 0) return null;
  const { pid, startedAt = null, host = hostname() } = owner as ProcessIdentity;
  const identity = { pid, startedAt, host };
  if (host !== hostname()) return Date.now() - beatAt < silentMs ? identity : null;
  return (await isAlive(identity)) ? identity : null;
}

/** Whether the process is there, and is the one that was meant. */
export async function isAlive({
  pid,
  startedAt,
}: Pick<ProcessIdentity, 'pid' | 'startedAt'>): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process may not be signalled, but it lives.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return startedAt === null || (await startOf(pid)) === startedAt;
}

export async function ownIdentity(): Promise<ProcessIdentity> {
  return { pid: process.pid, startedAt: await startOf(process.pid), host: hostname() };
}

async function startOf(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name of the program, in parentheses, may hold spaces; field 22 is the 20th after it.
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}
