/**
 * Bundles that did not come up, and why. A refusal stands until the bundle's folder changes, so that nobody tries a
 * broken bundle over and over, and a repaired one is tried by itself. Where the machine may be to blame (no memory, too
 * slow, no process to be had), it stands only for `firstPauseMs · 2^(n − 1)` after the n-th in a row, at most
 * `longestPauseMs`.
 */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isBundleId } from '../../shared/bundle/current-file.js';
import { type Clock, systemClock } from '../../shared/clock.js';
import { type ErrorCode, HaetaeError, messageOf } from '../../shared/errors.js';

export interface Refusal {
  bundleId: string;
  /** Of the error that it failed with. */
  code: ErrorCode;
  reason: string;
  /** ISO 8601 */
  at: string;
}

export interface RefusalsOptions {
  modelsDir: string;
  /** For what is told. */
  now?: () => Date;
  /** For the pauses. */
  clock?: Pick<Clock, 'now'>;
}

/** Also those of an engine that was killed, ended by itself, or was not ready in time. */
const mayPass: ReadonlySet<ErrorCode> = new Set([
  'ENGINE_CRASHED',
  'ENGINE_TIMEOUT',
  'ENGINE_BUSY',
  'INTERNAL',
]);
const firstPauseMs = 5_000;
const longestPauseMs = 600_000;

interface Standing {
  refusal: Refusal;
  /** Stands for what the bundle's folder held. */
  folder: string;
  /** Refusals in a row that may pass. */
  passing: number;
  /** By the clock; Infinity for one that does not pass. */
  until: number;
}

export class Refusals {
  readonly #modelsDir: string;
  readonly #now: () => Date;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #standing = new Map<string, Standing>();
  readonly #counts = new Map<ErrorCode, number>();

  constructor({ modelsDir, now = () => new Date(), clock = systemClock }: RefusalsOptions) {
    this.#modelsDir = modelsDir;
    this.#now = now;
    this.#clock = clock;
  }

  async add(bundleId: string, error: unknown): Promise<Refusal> {
    const code = error instanceof HaetaeError ? error.code : 'INTERNAL';
    const refusal = { bundleId, code, reason: this.#reasonOf(error), at: this.#now().toISOString() };
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
    const folder = await this.#sightOf(bundleId);
    const before = this.#standing.get(bundleId);
    const passing = mayPass.has(code) ? (before?.folder === folder ? before.passing : 0) + 1 : 0;
    const pauseMs = passing === 0 ? Infinity : Math.min(longestPauseMs, firstPauseMs * 2 ** (passing - 1));
    this.#standing.set(bundleId, { refusal, folder, passing, until: this.#clock.now() + pauseMs });
    return refusal;
  }

  /** Whether the bundle was refused, is what it was then, and is not due for another try. */
  async stands(bundleId: string): Promise<boolean> {
    const standing = this.#standing.get(bundleId);
    return (
      standing !== undefined &&
      this.#clock.now() < standing.until &&
      standing.folder === (await this.#sightOf(bundleId))
    );
  }

  get(bundleId: string): Refusal | undefined {
    return this.#standing.get(bundleId)?.refusal;
  }

  /** Default: all of them. */
  forget(bundleId?: string): void {
    if (bundleId === undefined) this.#standing.clear();
    else this.#standing.delete(bundleId);
  }

  /** Refusals since the start, by their codes. */
  counts(): ReadonlyMap<ErrorCode, number> {
    return this.#counts;
  }

  /** Clients see reasons, and need not see where on this machine the bundles are. */
  #reasonOf(error: unknown): string {
    const text = messageOf(error)
      .replaceAll(join(this.#modelsDir, '/'), '')
      .replaceAll(this.#modelsDir, 'models');
    return error instanceof HaetaeError &&
      error.code === 'ENGINE_CRASHED' &&
      /: signal SIGKILL\.$/u.test(text)
      ? `${text} Where nobody killed it, there was not enough memory.`
      : text;
  }

  /** Stands for the folder's files, their sizes and times. */
  async #sightOf(bundleId: string): Promise<string> {
    if (!isBundleId(bundleId)) return '';
    const folder = join(this.#modelsDir, bundleId);
    const names = await readdir(folder, { recursive: true }).catch(() => []);
    const hash = createHash('sha256');
    for (const name of names.sort()) {
      const found = await stat(join(folder, name)).catch(() => undefined);
      hash.update(`${name}\n${found?.ino} ${found?.size} ${found?.mtimeMs}\n`);
    }
    return hash.digest('hex');
  }
}
