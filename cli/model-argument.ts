/** `--model` of the command line: a model folder, a bundle's folder, a bundle's id, or `current`. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { readBundle } from '../shared/bundle/bundle-store.js';
import { HaetaeError } from '../shared/errors.js';

/**
 * The folder that holds the model. A folder that exists goes before a bundle of the same name.
 * @throws HaetaeError FILE_NOT_FOUND, BUNDLE_NOT_FOUND, BUNDLE_INVALID; MODEL_NOT_LOADED where the bundle has none
 */
export async function resolveModelFolder(name: string, modelsDir: string): Promise<string> {
  const found = await stat(name).catch(() => undefined);
  if (found?.isDirectory()) {
    const isBundle =
      (await isFile(join(name, 'manifest.json'))) && !(await isFile(join(name, 'config.json')));
    return isBundle ? studentFolder(dirname(resolve(name)), basename(resolve(name))) : name;
  }
  if (name === 'current') return studentFolder(modelsDir);
  if (await isFile(join(modelsDir, name, 'manifest.json'))) return studentFolder(modelsDir, name);
  throw new HaetaeError(
    'FILE_NOT_FOUND',
    `${name} is neither a model folder nor a bundle in ${modelsDir}. Name a folder with config.json, weights and tokenizer.json, or list the bundles with: haetae models list`,
    { path: name },
  );
}

async function studentFolder(modelsDir: string, id?: string): Promise<string> {
  const { folder, manifest } = await readBundle(modelsDir, id);
  if (manifest.student !== null) return join(folder, manifest.student.path);
  throw new HaetaeError(
    'MODEL_NOT_LOADED',
    `The bundle '${manifest.id}' has no language model. Make one that has with: haetae models import FOLDER`,
    { bundleId: manifest.id },
  );
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
}
