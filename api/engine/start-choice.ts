/**
 * The bundle that an engine starts on while none serves: the one that was served, else the wanted one, else the
 * latest of those that were active before. A server on the last good bundle beats one that is down; that it is not
 * the wanted one is logged, and seen in `GET /models` and in the metrics.
 *
 * A bundle whose engine crashes gets a second start, since the reason may lie outside of it (memory).
 */
import { HaetaeError } from '../../shared/errors.js';
import type { Refusals } from './refusals.js';
import type { Starts, SupervisorLog } from './supervisor.js';

export interface StartChoiceOptions {
  /** The id that is wanted now; '' where nothing says so. */
  wanted: () => Promise<string>;
  /** Bundles to fall back to, best first. */
  earlier: () => Promise<string[]>;
  refusals: Refusals;
  log: Pick<SupervisorLog, 'error'>;
}

export class StartChoice implements Starts {
  readonly #options: StartChoiceOptions;
  /** The bundle whose engine crashed at its last start. */
  #crashed: string | undefined;

  constructor(options: StartChoiceOptions) {
    this.#options = options;
  }

  async next(lostId: string | undefined): Promise<string | undefined> {
    const { wanted, earlier, refusals, log } = this.#options;
    const wantedId = await wanted();
    const first = lostId ?? wantedId;
    if (first !== '' && !(await refusals.stands(first))) return first;
    for (const bundleId of [wantedId, ...(await earlier())]) {
      if (bundleId === '' || (await refusals.stands(bundleId))) continue;
      log.error(
        { wanted: wantedId, bundleId },
        'an earlier bundle is started, since the wanted one cannot be',
      );
      return bundleId;
    }
    // With nothing else to serve, it is tried again and again.
    return first || undefined;
  }

  async failed(bundleId: string | undefined, error: unknown): Promise<void> {
    if (bundleId === undefined) return;
    const isCrash = error instanceof HaetaeError && error.code === 'ENGINE_CRASHED';
    if (isCrash && this.#crashed !== bundleId) {
      this.#crashed = bundleId;
      return;
    }
    this.#crashed = undefined;
    const { refusals, log } = this.#options;
    if (await refusals.stands(bundleId)) return;
    const { code, reason } = await refusals.add(bundleId, error);
    log.error({ bundleId, code, reason }, 'bundle refused at a start');
  }
}
