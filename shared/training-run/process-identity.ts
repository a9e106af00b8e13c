/**
 * Tells whether a process that was written down still lives. A process is known by its id and, where the system tells,
 * the time it started at, since ids are used again.
 */
import { readFile } from 'node:fs/promises';

export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot (`/proc/PID/stat`, field 22); null where there is no /proc. */
  startedAt: string | null;
}

export async function processIdentity(pid: number): Promise<ProcessIdentity> {
  return { pid, startedAt: await startOf(pid) };
}

/** Whether the process lives, and is no other that has its id now. One that has ended and waits for its parent is gone. */
export async function isAlive({ pid, startedAt }: ProcessIdentity): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process may not be signalled, but it lives.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const stat = await statOf(pid);
  if (stat?.[0] === 'Z') return false;
  return startedAt === null || stat?.[19] === startedAt;
}

/** The identity in parsed JSON; null where it is none. */
export function asIdentity(value: unknown): ProcessIdentity | null {
  const { pid, startedAt = null } = (value ?? {}) as Partial<ProcessIdentity>;
  const known = Number.isSafeInteger(pid) && (pid as number) > 0;
  if (!known || !(startedAt === null || typeof startedAt === 'string')) return null;
  return { pid: pid as number, startedAt };
}

async function startOf(pid: number): Promise<string | null> {
  return (await statOf(pid))?.[19] ?? null;
}

/** Fields of `/proc/PID/stat` from the third: the name before them, in parentheses, may hold spaces. */
async function statOf(pid: number): Promise<string[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}
