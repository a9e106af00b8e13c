/**
 * A lock file with a heartbeat: its holder is written in it, and touches it every few seconds.
 *
 * It is stale, and taken over, when its process is gone, or when it was not touched for half a minute: the second also
 * tells of a holder that hangs, and of one on another machine. A holder that was taken for dead finds another file
 * where its own was, and is told so.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, link, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import type { Clock } from '../../shared/clock.js';
import {
  asIdentity,
  isAlive,
  type ProcessIdentity,
  processIdentity,
} from '../../shared/training-run/process-identity.js';

export interface LockHolder extends ProcessIdentity {
  host: string;
  /** What it is held for: a job's name, or the id of its run. */
  purpose: string;
}

export interface HeartbeatLock {
  release(): Promise<void>;
}

export interface LockOptions {
  purpose: string;
  clock: Clock;
  now: () => Date;
  /** Hears, once, that the lock has gone to another. */
  onLost: (message: string) => void;
}

export const beatEveryMs = 5_000;
export const staleAfterMs = 30_000;

/** The lock at `path`, whose folder is there, or who has it. */
export async function takeHeartbeatLock(
  path: string,
  options: LockOptions,
): Promise<HeartbeatLock | LockHolder> {
  const holder: LockHolder = {
    ...(await processIdentity(process.pid)),
    ...{ host: hostname(), purpose: options.purpose },
  };
  for (let attempt = 0; ; attempt++) {
    const file = await create(path, holder, options.now());
    if (file) return new Beating(path, file, options);
    const other = (await lockHolder(path, options.now())) ?? (await removeStale(path, options.now()));
    if (other) return other;
    if (attempt === 9) throw new Error(`${path} comes and goes: others take it again and again`);
  }
}

/** Who holds the lock at `path`; null where nobody does, or none that lives. */
export async function lockHolder(path: string, now: Date): Promise<LockHolder | null> {
  try {
    const [{ mtimeMs }, text] = await Promise.all([stat(path), readFile(path, 'utf8')]);
    const { host = '', purpose = '' } = JSON.parse(text) as Partial<LockHolder>;
    const identity = asIdentity(JSON.parse(text));
    if (identity === null || now.getTime() - mtimeMs > staleAfterMs) return null;
    const gone = host === hostname() && !(await isAlive(identity));
    return gone ? null : { ...identity, host, purpose };
  } catch {
    return null; // absent, or no lock of ours
  }
}

/** Null where there is a file already. */
async function create(path: string, holder: LockHolder, now: Date): Promise<FileHandle | null> {
  const draft = `${path}.${randomUUID()}.tmp`;
  const file = await open(draft, 'wx');
  try {
    await file.writeFile(`${JSON.stringify(holder)}\n`);
    await file.utimes(now, now);
    await link(draft, path); // appears with its content
    return file;
  } catch (error) {
    await file.close();
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return null;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Another may have replaced it since it was read: then it is put back, and its holder returned. */
async function removeStale(path: string, now: Date): Promise<LockHolder | null> {
  const aside = `${path}.${randomUUID()}.stale`;
  try {
    await rename(path, aside);
  } catch {
    return null; // somebody else was quicker
  }
  const holder = await lockHolder(aside, now);
  if (holder) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  return holder;
}

class Beating implements HeartbeatLock {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #options: LockOptions;
  #cancel = (): void => undefined;
  #beating: Promise<void> = Promise.resolve();
  #over = false;

  constructor(path: string, file: FileHandle, options: LockOptions) {
    this.#path = path;
    this.#file = file;
    this.#options = options;
    this.#plan();
  }

  async release(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#cancel();
    await this.#beating;
    if (await this.#isOurs()) await rm(this.#path, { force: true });
    await this.#file.close();
  }

  #plan(): void {
    this.#cancel = this.#options.clock.after(beatEveryMs, () => {
      this.#beating = this.#beat().catch(() => undefined); // a full disk, say: the next beat tries again
    });
  }

  async #beat(): Promise<void> {
    if (await this.#isOurs()) {
      const now = this.#options.now();
      await this.#file.utimes(now, now);
      if (!this.#over) this.#plan();
      return;
    }
    if (this.#over) return;
    this.#over = true;
    await this.#file.close();
    this.#options.onLost(
      `${basename(this.#path)} was not renewed for too long, and another process has it now.`,
    );
  }

  async #isOurs(): Promise<boolean> {
    const [own, found] = await Promise.all([
      this.#file.stat({ bigint: true }),
      stat(this.#path, { bigint: true }).catch(() => undefined),
    ]);
    return own.ino === found?.ino && own.dev === found.dev;
  }
}
