/**
 * A folder of the same files in another place, complete or absent. Files are linked where the file system can: models
 * are large, and nothing here writes into a file that is there.
 */
import { copyFile, link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';

/** Takes the place of what is at `to`. */
export async function placeFolder(from: string, to: string, signal?: AbortSignal): Promise<void> {
  await removePartial(to);
  const partial = `${to}.0.partial`;
  await linkFiles(from, partial, await filesBelow(from), signal);
  await rm(to, { recursive: true, force: true });
  await rename(partial, to);
}

/** What a killed process has left while it made the folder: `<name>.<anything>.partial` beside it. */
export async function removePartial(folder: string): Promise<void> {
  const [parent, name] = [dirname(folder), basename(folder)];
  for (const left of await readdir(parent).catch((): string[] => [])) {
    if (!left.startsWith(`${name}.`) || !left.endsWith('.partial')) continue;
    await rm(join(parent, left), { recursive: true, force: true });
  }
}

/** @param paths relative to both folders */
export async function linkFiles(
  from: string,
  to: string,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  for (const path of paths) {
    signal?.throwIfAborted();
    const target = join(to, path);
    await mkdir(dirname(target), { recursive: true });
    await link(join(from, path), target).catch(() => copyFile(join(from, path), target));
  }
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}
