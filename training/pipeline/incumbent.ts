/** The bundle that a new one has to beat, and the one that the pipeline has published last. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { currentBundleId, readBundle } from '../../shared/bundle/bundle-store.js';
import type { PipelinePlace } from './pipeline-place.js';

/** Id of the bundle that is active and whole; null where there is none. */
export async function activeBundle(modelsDir: string): Promise<string | null> {
  try {
    const id = await currentBundleId(modelsDir);
    await readBundle(modelsDir, id);
    return id;
  } catch {
    return null;
  }
}

/** What the stage `publish` has published, or was about to; null where it has nothing. */
export async function publishedBundle({ work }: PipelinePlace): Promise<string | null> {
  try {
    const text = await readFile(join(work, 'publish', 'published.json'), 'utf8');
    return (JSON.parse(text) as { bundleId?: string }).bundleId ?? null;
  } catch {
    return null;
  }
}
