/** The bundle that a new one has to beat, and the one that the pipeline has published last. */
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { currentBundleId, readBundle } from '../../shared/bundle/bundle-store.js';
import type { PipelinePlace } from './pipeline-place.js';

/** What the stage `publish` says in its `published.json`. */
export interface Published {
  bundleId: string;
  activated: boolean;
}

const publishedName = 'published.json';
const lastName = 'last-published.json';

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
export async function lastPublished({ work }: PipelinePlace): Promise<Published | null> {
  return (
    (await readPublished(join(work, 'publish', publishedName))) ?? (await readPublished(join(work, lastName)))
  );
}

/** Its id. */
export async function publishedBundle(place: PipelinePlace): Promise<string | null> {
  return (await lastPublished(place))?.bundleId ?? null;
}

/** Before `publish` begins anew, and empties its folder: a kill must not leave its own bundle as an unknown incumbent. */
export async function keepPublished({ work }: PipelinePlace): Promise<void> {
  if (await readPublished(join(work, 'publish', publishedName)))
    await copyFile(join(work, 'publish', publishedName), join(work, lastName));
}

async function readPublished(path: string): Promise<Published | null> {
  try {
    const { bundleId, activated } = JSON.parse(await readFile(path, 'utf8')) as Partial<Published>;
    return typeof bundleId === 'string' ? { bundleId, activated: activated === true } : null;
  } catch {
    return null;
  }
}
