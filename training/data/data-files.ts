/** The data files below some paths: files as they are named, folders with all they hold, in a fixed order. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { messageOf } from '../../shared/errors.js';
import { dataError } from './data-error.js';

export type DataFormat = 'jsonl' | 'text';

export interface DataFile {
  path: string;
  /** Short and independent of where the folder lies: relative to the folder given, `/` between its parts. */
  name: string;
  format: DataFormat;
}

const formats: Readonly<Record<string, DataFormat>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.txt': 'text',
  '.md': 'text',
};
const known = `${Object.keys(formats).join(', ')}, each also with .gz`;

/**
 * Files of a folder are sorted by name; hidden ones and other kinds are passed over.
 * @throws HaetaeError TRAINING_DATA_INVALID where a path is missing, is of no known kind, holds no data files, or
 * leads to a file that another path leads to as well.
 */
export async function listDataFiles(paths: readonly string[]): Promise<DataFile[]> {
  if (paths.length === 0) throw dataError('data', 'no path is given.', 'Name a file or a folder.');
  const files: DataFile[] = [];
  for (const path of paths) {
    const found = await kindOf(path);
    if (found === 'folder') {
      files.push(...(await filesOf(path)));
      continue;
    }
    const format = formatOf(path);
    if (!format) throw dataError(path, `the kind of file is not known by its name.`, `Known are ${known}.`);
    files.push({ path, name: basename(path), format });
  }
  await refuseDoubles(files);
  return withUniqueNames(files);
}

async function kindOf(path: string): Promise<'file' | 'folder'> {
  const found = await stat(path).catch((error: unknown) => {
    throw dataError(path, `the path cannot be opened (${messageOf(error)}).`, 'Check it.', error);
  });
  if (found.isDirectory()) return 'folder';
  if (found.isFile()) return 'file';
  throw dataError(path, 'this is neither a file nor a folder.', 'Name a file or a folder.');
}

async function filesOf(folder: string): Promise<DataFile[]> {
  const names = (await readdir(folder, { recursive: true })).map((name) => name.replaceAll('\\', '/'));
  const files: DataFile[] = [];
  for (const name of names.sort()) {
    const format = formatOf(name);
    const path = join(folder, name);
    if (!format || name.split('/').some((part) => part.startsWith('.'))) continue;
    if ((await kindOf(path)) === 'file') files.push({ path, name, format });
  }
  if (files.length === 0) throw dataError(folder, 'the folder holds no data files.', `Known are ${known}.`);
  return files;
}

function formatOf(path: string): DataFormat | undefined {
  const extension = /\.[^./\\]+$/.exec(path.toLowerCase().replace(/\.gz$/, ''))?.[0];
  return formats[extension ?? ''];
}

async function refuseDoubles(files: readonly DataFile[]): Promise<void> {
  const seen = new Set<string>();
  for (const { path } of files) {
    const real = await realpath(path);
    if (seen.has(real))
      throw dataError(path, 'the file is given twice.', 'Its documents would count twice: name it once.');
    seen.add(real);
  }
}

/** Two folders may both hold `train.jsonl`: such files keep the path they were given by. */
function withUniqueNames(files: readonly DataFile[]): DataFile[] {
  const uses = new Map<string, number>();
  for (const { name } of files) uses.set(name, (uses.get(name) ?? 0) + 1);
  return files.map((file) => (uses.get(file.name) === 1 ? file : { ...file, name: file.path }));
}
