/**
 * Finds the configuration of a pipeline by its name, and the name that the pipeline has in it, without running it.
 *
 * The name of a pipeline is that of its output folder. In YAML and JSON it is read; a TypeScript module is not run in
 * the server, so there it must stand as plain text: `name: 'tiny'`.
 */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { parse } from 'yaml';
import { HaetaeError, messageOf } from '../../shared/errors.js';

export interface FoundConfiguration {
  path: string;
  /** Name of the pipeline. */
  pipeline: string;
}

const endings = ['.ts', '.yaml', '.json'];
const pipelineName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$/u;

/** @throws HaetaeError REQUEST_INVALID where there is none of this name, or it is no pipeline */
export async function findConfiguration(folder: string, name: string): Promise<FoundConfiguration> {
  const files = await filesIn(folder);
  const file = endings.map((ending) => `${name}${ending}`).find((candidate) => files.includes(candidate));
  if (file === undefined) throw refused(`${name} is not there. ${known(files)}`);
  const path = join(folder, file);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw refused(`${file} cannot be read: ${messageOf(error)}`);
  });
  const pipeline = extname(file) === '.ts' ? nameInModule(text) : nameInData(text, file);
  if (pipeline !== undefined && pipelineName.test(pipeline)) return { path, pipeline };
  throw refused(
    `${file} is no configuration of a pipeline: it has no name, or none that can be seen without running it`,
  );
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile() || entry.isSymbolicLink()).map(({ name }) => name);
}

function nameInData(text: string, file: string): string | undefined {
  let content: unknown;
  try {
    content = parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw refused(`${file} is not valid: ${messageOf(error)}`);
  }
  const { name, program } = (content ?? {}) as Record<string, unknown>;
  if (typeof program === 'string') {
    throw refused(`${file} is the run file of one program, haetae train ${program}, and not of a pipeline`);
  }
  return typeof name === 'string' ? name : undefined;
}

/** The first `name:` with a text, comments aside. */
function nameInModule(text: string): string | undefined {
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gmu, '');
  return /\bname:\s*(['"`])([^'"`\n]*)\1/u.exec(code)?.[2];
}

function known(files: readonly string[]): string {
  const names = files
    .filter((file) => endings.includes(extname(file)))
    .map((file) => file.slice(0, -extname(file).length))
    .sort();
  return names.length === 0 ? 'Its folder holds none' : `Its folder holds ${names.join(', ')}`;
}

function refused(message: string): HaetaeError {
  return new HaetaeError('REQUEST_INVALID', `The configuration ${message}.`, {
    errors: [{ field: '/config', message }],
  });
}
