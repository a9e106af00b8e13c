/**
 * A bundle as one names it: in the folder of bundles by its id or the name of its pipeline (`find-bundle.ts`), or by
 * where it lies. A folder of bundles, or the output folder of a pipeline, stands for its active bundle.
 */
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

export interface NamedBundle {
  modelsDir: string;
  /** Undefined: the active one. */
  id: string | undefined;
}

export async function bundleArgument(named: string | undefined, modelsDir: string): Promise<NamedBundle> {
  if (named === undefined) return { modelsDir, id: undefined };
  if (!named.includes('/')) {
    // Loads the schemas of manifests, which commands that name no bundle need not pay for.
    const { findBundleId } = await import('../shared/bundle/find-bundle.js');
    const found = await findBundleId(modelsDir, named);
    if (found !== undefined || !(await isDirectory(named))) return { modelsDir, id: found ?? named };
  }
  const folder = resolve(named);
  if (await isFile(join(folder, 'manifest.json')))
    return { modelsDir: dirname(folder), id: basename(folder) };
  for (const bundles of [folder, join(folder, 'models')]) {
    if (await isFile(join(bundles, 'current'))) return { modelsDir: bundles, id: undefined };
  }
  return { modelsDir: dirname(folder), id: basename(folder) };
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}
