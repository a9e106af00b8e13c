/**
 * Keeps the served bundle the one that `models/current` names: the newest wish wins, at once. What is still being
 * loaded for an older one is given up, so that a roll-back does not first roll forward.
 */
import type { SupervisorLog } from './engine/supervisor.js';

export interface Followed {
  /** The id that is wanted now; '' where nothing says so. */
  wanted: () => Promise<string>;
  /** The id that is served; undefined while none is. */
  served: () => string | undefined;
  /** Loads what is wanted and serves it. Rejects when it does not come up, and when `signal` ends the loading. */
  reload: (signal: AbortSignal) => Promise<void>;
  log: Pick<SupervisorLog, 'info' | 'error'>;
}

export class CurrentFollower {
  readonly #followed: Followed;
  #loading: { id: string; stop: AbortController } | undefined;

  constructor(followed: Followed) {
    this.#followed = followed;
  }

  /** Something may have changed: swaps where another bundle is wanted than is served, or is on its way. */
  async look(): Promise<void> {
    const { wanted, served } = this.#followed;
    const id = await wanted();
    if (id === '' || id === this.#loading?.id) return;
    if (id !== served()) await this.#swap(id, `models/current says ${id}`);
    else this.#loading?.stop.abort();
  }

  /** Loads what is wanted anew, even if it is what is served. */
  async reload(why: string): Promise<void> {
    await this.#swap(await this.#followed.wanted(), why);
  }

  async #swap(id: string, why: string): Promise<void> {
    const { reload, log } = this.#followed;
    this.#loading?.stop.abort();
    const own = { id, stop: new AbortController() };
    this.#loading = own;
    log.info({ why }, 'reloading');
    try {
      await reload(own.stop.signal);
    } catch (error) {
      if (own.stop.signal.aborted) log.info({ bundleId: id }, 'reload given up: another bundle is wanted');
      else log.error({ err: error }, 'reload failed; nothing changed');
    } finally {
      if (this.#loading === own) this.#loading = undefined;
    }
  }
}
