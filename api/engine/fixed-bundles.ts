/** What `/models` works with where an engine serves one bundle for good, as in tests and for describing the API. */
import { HaetaeError } from '../../shared/errors.js';
import type { Bundles } from './bundles.js';
import type { Engine } from './engine.js';

export function fixedBundles(engine: Pick<Engine, 'bundleId'>): Bundles {
  const refuse = () =>
    Promise.reject(new HaetaeError('BUNDLE_REFUSED', 'The bundle of this server cannot be changed.'));
  return {
    status: async () => {
      const servedId = engine.bundleId ?? null;
      return { servedId, wantedId: servedId, loadingId: null, isPinned: true, swaps: 0 };
    },
    refusalOf: () => undefined,
    refusalCounts: () => new Map(),
    onSwap: () => undefined,
    activate: refuse,
    rollback: refuse,
  };
}
