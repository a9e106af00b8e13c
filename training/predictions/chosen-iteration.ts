/** `chosen.json` of `validate`: the iteration whose student goes on. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { writeAtomically } from '../../shared/write-atomically.js';

export const chosenName = 'chosen.json';

export async function writeChosen(folder: string, iteration: number): Promise<void> {
  await writeAtomically(join(folder, chosenName), `${JSON.stringify({ iteration })}\n`);
}

/** @throws HaetaeError FILE_NOT_FOUND */
export async function readChosen(folder: string): Promise<number> {
  const path = join(folder, chosenName);
  try {
    const { iteration } = JSON.parse(await readFile(path, 'utf8')) as { iteration?: unknown };
    if (Number.isSafeInteger(iteration)) return iteration as number;
    throw new Error('it holds no iteration');
  } catch (error) {
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `${path} does not say which student was chosen (${messageOf(error)}). Run the stage validate.`,
      { path },
    );
  }
}
