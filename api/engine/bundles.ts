/** What routes and metrics see of the bundles: which one serves, which is wanted, and how to change that. */
import type { ErrorCode } from '../../shared/errors.js';
import type { Refusal } from './refusals.js';

export interface Switched {
  bundleId: string;
  /** What was served before; null where nothing was. */
  previousId: string | null;
  /** From the wish to the first request that the bundle can take; 0 where it was served already. */
  swapMs: number;
}

export interface RolledBack extends Switched {
  /** Bundles that were active later, and could not be gone back to. */
  passedOver: Refusal[];
}

export interface BundlesStatus {
  servedId: string | null;
  wantedId: string | null;
  /** What an engine is loading now. */
  loadingId: string | null;
  /** Whether this server serves one bundle, whatever `current` says. */
  isPinned: boolean;
  /** Since the start, as are all counts here. */
  swaps: number;
}

export interface Bundles {
  status(): Promise<BundlesStatus>;
  refusalOf(bundleId: string): Refusal | undefined;
  refusalCounts(): ReadonlyMap<ErrorCode, number>;
  onSwap(listener: (swapMs: number) => void): void;
  /** @throws HaetaeError NOT_FOUND; BUNDLE_REFUSED with the reason, also where another bundle is wanted meanwhile */
  activate(bundleId: string): Promise<Switched>;
  /** @throws HaetaeError BUNDLE_REFUSED where there is no earlier bundle that serves */
  rollback(): Promise<RolledBack>;
}
