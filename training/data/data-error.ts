import { HaetaeError } from '../../shared/errors.js';

/**
 * Training data that cannot be used.
 * @param where `file:line`, a file or a folder.
 * @param what a sentence: what was wrong, what came.
 * @param remedy a sentence: what to do.
 */
export function dataError(where: string, what: string, remedy: string, cause?: unknown): HaetaeError {
  const options = cause === undefined ? {} : { cause };
  return new HaetaeError('TRAINING_DATA_INVALID', `${where}: ${what} ${remedy}`, { where }, options);
}
