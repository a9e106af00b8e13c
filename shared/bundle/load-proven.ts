/**
 * Loads a bundle that may serve: every checksum matches, it passes the smoke test, and answers its probes as it did
 * when it was made. The tests come before the first request, so they also run what would otherwise be slow the
 * first time.
 */
import { join } from 'node:path';
import { manifestHash, readBundle, verifyBundle } from './bundle-store.js';
import { type LoadedParts, loadRuntime } from './load-runtime.js';
import { checkProbes, readProbes } from './probes.js';
import type { LoadOptions, Runtime } from './runtime.js';
import { smokeTest } from './smoke-test.js';

/**
 * A bundle that was proven before (`options.provenManifest`) has only its smoke test.
 *
 * @throws HaetaeError BUNDLE_NOT_FOUND, BUNDLE_INVALID, BUNDLE_CHECKSUM, BUNDLE_REFUSED, INDEX_INVALID, MODEL_INVALID
 */
export async function loadProvenRuntime(options: LoadOptions): Promise<Runtime & { parts: LoadedParts }> {
  const bundle = await readBundle(options.modelsDir, options.bundleId);
  const { folder, manifest } = bundle;
  const isProven = manifestHash(bundle) === options.provenManifest;
  if (!isProven) await verifyBundle(bundle);
  const probes =
    manifest.probes === undefined || isProven ? [] : await readProbes(join(folder, manifest.probes));
  // By its id: `current` may have changed meanwhile.
  const runtime = await loadRuntime({ ...options, bundleId: manifest.id });
  try {
    await smokeTest(runtime, runtime.parts.chunks);
    await checkProbes(runtime, probes);
    return runtime;
  } catch (error) {
    await runtime.close();
    throw error;
  }
}
