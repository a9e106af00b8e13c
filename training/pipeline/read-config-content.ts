/** What a configuration file holds: the default export of a TypeScript or JavaScript module, or YAML or JSON. */
import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { createJiti } from 'jiti';
import { parseDocument } from 'yaml';
import { HaetaeError, messageOf } from '../../shared/errors.js';

const modules = ['.ts', '.mts', '.js', '.mjs'];
const texts = ['.yaml', '.yml', '.json'];

/**
 * @param kind of configuration, for errors: `a pipeline`
 * @throws HaetaeError FILE_NOT_FOUND; CONFIG_INVALID where it cannot be read as what its name says it is
 */
export async function readConfigContent(path: string, kind: string): Promise<unknown> {
  const extension = extname(path).toLowerCase();
  if (![...modules, ...texts].includes(extension)) {
    throw invalid(path, `${kind} is ${[...modules, ...texts].join(', ')}. Examples are in training/runs/.`);
  }
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `The configuration ${path} cannot be read (${messageOf(error)}). Examples are in training/runs/.`,
      { path },
    );
  });
  if (texts.includes(extension)) {
    const document = parseDocument(text, { prettyErrors: true });
    const [broken] = document.errors;
    if (broken) throw invalid(path, `the file is not YAML: ${broken.message}`);
    return document.toJS({ maxAliasCount: 100 });
  }
  let loaded: { default?: unknown };
  try {
    // No cache on disk: it would be kept where the module lies.
    const jiti = createJiti(import.meta.url, {
      ...{ fsCache: false, moduleCache: false, interopDefault: false },
    });
    loaded = await jiti.import(resolve(path));
  } catch (error) {
    throw invalid(path, `the file cannot be loaded: ${messageOf(error)}`);
  }
  if (loaded.default === undefined) throw invalid(path, 'has no default export: export default { … }');
  return loaded.default;
}

function invalid(path: string, what: string): HaetaeError {
  return new HaetaeError('CONFIG_INVALID', `${path}: ${what}`, { path });
}
