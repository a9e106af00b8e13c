/**
 * Keeps the served bundle the wanted one. Wishes come from `models/current` (`look`), from a hang-up signal
 * (`reload`), and over HTTP (`activate`, `rollback`).
 *
 *   - The newest wish wins, at once: what is still being loaded for an older one is given up, so that a rollback
 *     does not first roll forward. Two wishes for one bundle are one load.
 *   - A bundle that does not come up, or does not prove itself, is refused: the old one serves on.
 *   - A wish over HTTP is written to `current` when the new engine is ready, just before it serves. So a kill at
 *     any moment leaves a `current` that can be served.
 *   - A refused bundle is tried again when `current` is written again, when the bundle's folder changes, when it is
 *     asked for by signal or over HTTP, or, where the machine may have been to blame, after a pause (`refusals.ts`).
 *
 * Not covered: a `current` that another process replaces in the very moment between our last look at it and our
 * own rename loses to ours.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  activateBundle,
  earlierBundles,
  listBundles,
  manifestHash,
  readBundle,
  recordActivation,
} from '../../shared/bundle/bundle-store.js';
import { currentName, readCurrent } from '../../shared/bundle/current-file.js';
import type { Clock } from '../../shared/clock.js';
import { type ErrorCode, HaetaeError, messageOf } from '../../shared/errors.js';
import type { Bundles, BundlesStatus, RolledBack, Switched } from './bundles.js';
import type { Refusal, Refusals } from './refusals.js';
import type { Supervisor, SupervisorLog } from './supervisor.js';

export interface BundleSwitchOptions {
  modelsDir: string;
  /** The only bundle that this server serves; undefined: what `current` says. */
  pinnedId: string | undefined;
  engines: Pick<Supervisor, 'bundleId' | 'startingId' | 'reload' | 'health' | 'onBundle'>;
  refusals: Refusals;
  clock: Clock;
  log: SupervisorLog;
}

type Kind = 'follow' | 'reload' | 'activate' | 'rollback';

interface Loading {
  bundleId: string;
  kind: Kind;
  /** What `current` said when this was wished for, or what we wrote to it since. */
  currentId: string;
  stop: AbortController;
  swapped: Promise<Switched>;
}

export class BundleSwitch implements Bundles {
  readonly #options: BundleSwitchOptions;
  readonly #swapListeners = new Set<(swapMs: number) => void>();
  #loading: Loading | undefined;
  /** Counts the wishes: one that is not the newest any more is given up. */
  #wishes = 0;
  /** `current` as it was at the last look. */
  #seen: string | undefined;
  /** Counts what would make a look that is under way compare an old `current` with what is served since. */
  #moves = 0;
  /** Looks go one after the other. */
  #looked: Promise<unknown> = Promise.resolve();
  /** Settles when the last change that was ready has been made, or not. */
  #lastCommit: Promise<unknown> = Promise.resolve();
  #swaps = 0;

  constructor(options: BundleSwitchOptions) {
    this.#options = options;
    const { engines } = options;
    engines.onBundle(({ bundleId }) => void this.#noteStart(bundleId));
    if (engines.bundleId !== undefined) void this.#noteStart(engines.bundleId);
  }

  onSwap(listener: (swapMs: number) => void): void {
    this.#swapListeners.add(listener);
  }

  async status(): Promise<BundlesStatus> {
    const { engines, pinnedId } = this.#options;
    const wantedId = await this.wanted();
    const loadingId = this.#wantedLoading()?.bundleId;
    return {
      servedId: engines.bundleId ?? null,
      wantedId: loadingId ?? (wantedId || null),
      loadingId: loadingId ?? engines.startingId ?? null,
      isPinned: pinnedId !== undefined,
      swaps: this.#swaps,
    };
  }

  refusalOf(bundleId: string): Refusal | undefined {
    return this.#options.refusals.get(bundleId);
  }

  refusalCounts(): ReadonlyMap<ErrorCode, number> {
    return this.#options.refusals.counts();
  }

  /** The id that is wanted now; '' where nothing says so. */
  async wanted(): Promise<string> {
    const { pinnedId, modelsDir } = this.#options;
    return pinnedId ?? (await readCurrent(modelsDir));
  }

  /** `current` or a bundle's folder may have changed. Resolves when what it led to has ended; never rejects. */
  async look(): Promise<void> {
    const decided = this.#looked.then(() => this.#decide());
    this.#looked = decided.catch(() => undefined);
    const wish = await decided;
    if (wish === undefined) return;
    this.#options.log.info({ bundleId: wish.bundleId }, 'models/current names another bundle');
    await this.#change(wish.number, wish.bundleId, 'follow').catch(() => undefined);
  }

  /** Loads what is wanted anew, even if it is what is served, and forgets what was refused. Never rejects. */
  async reload(why: string): Promise<void> {
    const wish = ++this.#wishes;
    this.#options.refusals.forget();
    const bundleId = await this.wanted();
    this.#options.log.info({ bundleId, why }, 'reloading');
    if (bundleId === '') return;
    await this.#load(wish, bundleId, 'reload').catch(() => undefined);
  }

  async activate(bundleId: string): Promise<Switched> {
    const wish = ++this.#wishes;
    await this.#checkFree(bundleId);
    return this.#change(wish, bundleId, 'activate');
  }

  /**
   * Goes back to the bundle that was active before, or to an earlier one where that has gone or is refused. What is
   * being loaded counts as active: the first thing that a rollback takes back is a change that is under way.
   */
  async rollback(): Promise<RolledBack> {
    const wish = ++this.#wishes;
    await this.#checkFree();
    const passedOver: Refusal[] = [];
    const there = await listBundles(this.#options.modelsDir);
    for (const bundleId of await this.#earlier()) {
      if (!there.includes(bundleId)) {
        passedOver.push(gone(bundleId));
        continue;
      }
      try {
        return { ...(await this.#change(wish, bundleId, 'rollback')), passedOver };
      } catch (error) {
        const refusal = this.#options.refusals.get(bundleId);
        if (wish !== this.#wishes || refusal === undefined || !isRefusal(error)) throw error;
        passedOver.push(refusal);
      }
    }
    const tried = passedOver.map(({ bundleId, reason }) => ` ${bundleId}: ${reason}`).join(';');
    throw new HaetaeError(
      'BUNDLE_REFUSED',
      `There is no earlier bundle to go back to.${tried} Activate one by its id.`,
      { passedOver },
    );
  }

  /** What `current` asks for that is neither served, nor on its way, nor refused. */
  async #decide(): Promise<{ number: number; bundleId: string } | undefined> {
    if (this.#options.pinnedId !== undefined) return undefined;
    const seenBefore = this.#seen;
    for (;;) {
      const moves = this.#moves;
      // In this order: what is written in between counts as new at the next look.
      const sight = await this.#sightOfCurrent();
      const bundleId = await this.wanted();
      const isAsked = await this.#isAsked(bundleId, seenBefore !== undefined && sight !== seenBefore);
      if (moves !== this.#moves) continue;
      this.#seen = sight;
      return isAsked ? { number: ++this.#wishes, bundleId } : undefined;
    }
  }

  /** @param isNew whether `current` was written since the last look */
  async #isAsked(bundleId: string, isNew: boolean): Promise<boolean> {
    const { engines, refusals } = this.#options;
    if (bundleId === '' || bundleId === engines.startingId) return false;
    const loading = this.#wantedLoading();
    if (loading !== undefined)
      return bundleId !== loading.bundleId && !(isOfHttp(loading) && bundleId === loading.currentId);
    if (!isNew && (await refusals.stands(bundleId))) return false;
    if (bundleId !== engines.bundleId) return true;
    // What serves is only loaded anew when somebody asks, or when that did not work out before.
    return (isNew || refusals.get(bundleId) !== undefined) && this.#isRepublished(bundleId);
  }

  /** What is being loaded, unless it is given up already. */
  #wantedLoading(): Loading | undefined {
    return this.#loading?.stop.signal.aborted ? undefined : this.#loading;
  }

  /** To `bundleId`, unless it is served or on its way already. */
  async #change(wish: number, bundleId: string, kind: Kind): Promise<Switched> {
    const { engines } = this.#options;
    const loading = this.#wantedLoading();
    if (loading?.bundleId === bundleId) {
      if (kind !== 'follow') loading.kind = kind;
      return loading.swapped;
    }
    if (bundleId !== engines.bundleId || (await this.#isRepublished(bundleId)))
      return this.#load(wish, bundleId, kind);
    this.#checkNewest(wish, bundleId);
    const givenUp = this.#loading;
    if (givenUp !== undefined) {
      givenUp.stop.abort();
      // It may have been too late for that: then it serves for a moment.
      await givenUp.swapped.catch(() => undefined);
      this.#checkNewest(wish, bundleId);
      if (bundleId !== engines.bundleId) return this.#load(wish, bundleId, kind);
    }
    if (kind === 'activate' || kind === 'rollback') {
      await this.#write(bundleId, kind).catch((error: unknown) => {
        throw cannotCommit(bundleId, error);
      });
    }
    return { bundleId, previousId: bundleId, swapMs: 0 };
  }

  async #load(wish: number, bundleId: string, kind: Kind): Promise<Switched> {
    const currentId = await this.wanted();
    this.#checkNewest(wish, bundleId);
    this.#loading?.stop.abort();
    const loading: Loading = {
      bundleId,
      kind,
      currentId,
      stop: new AbortController(),
      swapped: Promise.resolve().then(() => this.#swap(loading)),
    };
    this.#loading = loading;
    this.#moves += 1;
    try {
      return await loading.swapped;
    } finally {
      if (this.#loading === loading) this.#loading = undefined;
      this.#moves += 1;
    }
  }

  async #swap(loading: Loading): Promise<Switched> {
    const { engines, refusals, clock, log } = this.#options;
    const { bundleId, stop } = loading;
    const started = clock.now();
    const formerId = loading.currentId;
    let isWritten = false;
    let ours: HaetaeError | undefined;
    const commit = async () => {
      try {
        isWritten = await this.#commit(loading);
      } catch (error) {
        ours = cannotCommit(bundleId, error);
        throw ours;
      }
    };
    let previousId: string | null;
    try {
      ({ previousId } = await engines.reload(bundleId, { signal: stop.signal, commit }));
    } catch (error) {
      if (isWritten) await this.#takeBack(bundleId, formerId);
      // Not the bundle's fault.
      if (ours !== undefined) throw ours;
      if (error instanceof HaetaeError && error.code === 'ENGINE_UNAVAILABLE') throw error;
      if (stop.signal.aborted) throw this.#givenUp(bundleId);
      const refusal = await refusals.add(bundleId, error);
      log.error({ ...refusal, served: engines.bundleId ?? null }, 'bundle refused');
      throw refused(refusal, engines.bundleId);
    }
    refusals.forget(bundleId);
    const swapMs = clock.now() - started;
    this.#swaps += 1;
    for (const listener of this.#swapListeners) listener(swapMs);
    return { bundleId, previousId, swapMs };
  }

  /** What `current` names when a server starts is where a rollback can go back to later. */
  async #noteStart(bundleId: string): Promise<void> {
    const { pinnedId, modelsDir, log } = this.#options;
    if (pinnedId !== undefined || bundleId !== (await this.wanted())) return;
    await recordActivation(modelsDir, bundleId).catch((error: unknown) =>
      log.warn({ err: error }, 'the activation could not be noted: a rollback will not know of it'),
    );
  }

  /** Before the new engine serves: true where `current` had to be written. */
  async #commit(loading: Loading): Promise<boolean> {
    const { pinnedId } = this.#options;
    const earlierCommit = this.#lastCommit;
    this.#lastCommit = loading.swapped.catch(() => undefined);
    await earlierCommit;
    if (pinnedId !== undefined) return false;
    const { bundleId, kind, currentId } = loading;
    if (kind === 'activate' || kind === 'rollback') {
      const now = await this.wanted();
      // Somebody else wants another one, and we have not seen it yet.
      if (now !== currentId && now !== bundleId) throw this.#givenUp(bundleId);
      await this.#write(bundleId, kind);
      return true;
    }
    return false;
  }

  /** `current` names a bundle whose engine ended in the last moment. */
  async #takeBack(bundleId: string, formerId: string): Promise<void> {
    const { log } = this.#options;
    if (formerId === '' || (await this.wanted()) !== bundleId) return;
    await this.#write(formerId, 'rollback').catch((error: unknown) =>
      log.error({ err: error }, `models/current still names ${bundleId}`),
    );
  }

  async #write(bundleId: string, kind: 'activate' | 'rollback'): Promise<void> {
    await activateBundle(this.#options.modelsDir, bundleId, kind);
    if (this.#loading !== undefined) this.#loading.currentId = bundleId;
    this.#moves += 1;
  }

  /** The bundles behind the active one, the latest first. */
  async #earlier(): Promise<string[]> {
    const { modelsDir } = this.#options;
    const currentId = await this.wanted();
    const earlier = await earlierBundles(modelsDir);
    const loading = this.#wantedLoading();
    if (loading === undefined || loading.bundleId === currentId) return earlier;
    if (loading.kind !== 'rollback') return [currentId, ...earlier];
    return earlier.slice(earlier.indexOf(loading.bundleId) + 1);
  }

  async #checkFree(bundleId?: string): Promise<void> {
    const { pinnedId, modelsDir } = this.#options;
    if (bundleId !== undefined && !(await listBundles(modelsDir)).includes(bundleId)) {
      throw new HaetaeError(
        'NOT_FOUND',
        `There is no bundle '${bundleId}'. GET /models lists those that there are.`,
      );
    }
    if (pinnedId === undefined || pinnedId === bundleId) return;
    throw new HaetaeError(
      'BUNDLE_REFUSED',
      `This server serves '${pinnedId}' and no other bundle, because HAETAE_BUNDLE says so. Start it without.`,
      { bundleId: bundleId ?? null, served: this.#options.engines.bundleId ?? null },
    );
  }

  #checkNewest(wish: number, bundleId: string): void {
    if (wish !== this.#wishes) throw this.#givenUp(bundleId);
  }

  #givenUp(bundleId: string): HaetaeError {
    this.#options.log.info({ bundleId }, 'loading given up: another bundle is wanted');
    return new HaetaeError(
      'BUNDLE_REFUSED',
      `Bundle '${bundleId}' was given up while it was loading: another one was wanted later.`,
      { bundleId, served: this.#options.engines.bundleId ?? null },
    );
  }

  /** Whether the bundle's folder has another content than what is served under its id. */
  async #isRepublished(bundleId: string): Promise<boolean> {
    const { modelsDir, engines } = this.#options;
    const bundle = await readBundle(modelsDir, bundleId).catch(() => undefined);
    return bundle !== undefined && manifestHash(bundle) !== engines.health().info?.manifestHash;
  }

  /** Changes each time that `current` is written; a rename changes the last of them even where a tool keeps the others. */
  async #sightOfCurrent(): Promise<string> {
    const path = join(this.#options.modelsDir, currentName);
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    return `${found?.ino} ${found?.mtimeNs} ${found?.ctimeNs}`;
  }
}

function isOfHttp({ kind }: Loading): boolean {
  return kind === 'activate' || kind === 'rollback';
}

/** Whether the bundle itself is at fault. */
function isRefusal(error: unknown): boolean {
  return error instanceof HaetaeError && error.data.cause !== undefined;
}

function gone(bundleId: string): Refusal {
  const reason = `Bundle '${bundleId}' is not there any more.`;
  return { bundleId, code: 'BUNDLE_NOT_FOUND', reason, at: new Date().toISOString() };
}

function refused({ bundleId, code, reason }: Refusal, served: string | undefined): HaetaeError {
  return new HaetaeError(
    'BUNDLE_REFUSED',
    `Bundle '${bundleId}' was refused (${code}): ${reason} ${served === undefined ? 'None is served.' : `'${served}' serves on.`}`,
    { bundleId, cause: code, served: served ?? null },
  );
}

function cannotCommit(bundleId: string, error: unknown): HaetaeError {
  if (error instanceof HaetaeError && error.code === 'BUNDLE_REFUSED') return error;
  return new HaetaeError(
    'BUNDLE_REFUSED',
    `Bundle '${bundleId}' came up, but models/current cannot be written: ${messageOf(error)}.`,
    { bundleId },
    { cause: error },
  );
}
