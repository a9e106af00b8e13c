/** `models/current`: one line, the id of the active bundle, which is the name of its folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Whether `text` can be an id: never a path. */
export function isBundleId(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(text);
}

export const currentName = 'current';

/** '' where nothing is named. */
export async function readCurrent(modelsDir: string): Promise<string> {
  return (await readFile(join(modelsDir, currentName), 'utf8').catch(() => '')).trim();
}
