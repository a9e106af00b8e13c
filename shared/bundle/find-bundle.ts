/**
 * Which bundle a name means, for every command that takes `--bundle`:
 *
 *   1. the bundle of exactly that id;
 *   2. else the newest of those whose id begins with the name and a hyphen: a pipeline called `default` publishes
 *      `default-…`, so its name stands for what it published last, whichever bundle is active.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listBundles, manifestName } from './bundle-store.js';
import { parseManifest } from './manifest.js';

/** The id, or undefined where the name means none. Newest by `createdAt`; what has no valid manifest comes last. */
export async function findBundleId(modelsDir: string, name: string): Promise<string | undefined> {
  const ids = await listBundles(modelsDir);
  if (ids.includes(name)) return name;
  const dated = await Promise.all(
    ids
      .filter((id) => id.startsWith(`${name}-`))
      .map(async (id) => ({ id, createdAt: await createdAt(join(modelsDir, id, manifestName)) })),
  );
  dated.sort((a, b) => (a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id) ? 1 : -1));
  return dated[0]?.id;
}

/** '' where the manifest is not valid. */
async function createdAt(path: string): Promise<string> {
  try {
    return parseManifest(await readFile(path, 'utf8'), path).createdAt;
  } catch {
    return '';
  }
}
