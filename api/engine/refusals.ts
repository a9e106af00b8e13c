/**
 * Bundles that did not come up, and why. A refusal stands until the bundle's folder changes, so that nobody tries a
 * broken bundle over and over, and a repaired one is tried by itself.
 */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isBundleId } from '../../shared/bundle/current-file.js';
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
  now?: () => Date;
}

export class Refusals {
  readonly #modelsDir: string;
  readonly #now: () => Date;
  readonly #standing = new Map<string, Refusal & { folder: string }>();
  readonly #counts = new Map<ErrorCode, number>();

  constructor({ modelsDir, now = () => new Date() }: RefusalsOptions) {
    this.#modelsDir = modelsDir;
    this.#now = now;
  }

  async add(bundleId: string, error: unknown): Promise<Refusal> {
    const code = error instanceof HaetaeError ? error.code : 'INTERNAL';
    const refusal = { bundleId, code, reason: this.#reasonOf(error), at: this.#now().toISOString() };
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
    this.#standing.set(bundleId, { ...refusal, folder: await this.#sightOf(bundleId) });
    return refusal;
  }

  /** Whether the bundle was refused, and is what it was then. */
  async stands(bundleId: string): Promise<boolean> {
    const refusal = this.#standing.get(bundleId);
    return refusal !== undefined && refusal.folder === (await this.#sightOf(bundleId));
  }

  get(bundleId: string): Refusal | undefined {
    const found = this.#standing.get(bundleId);
    if (found === undefined) return undefined;
    const { folder: _, ...refusal } = found;
    return refusal;
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
