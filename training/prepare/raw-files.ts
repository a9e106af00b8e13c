/**
 * The files of a raw folder, safely: plain files inside the folder, in one order on every machine.
 *
 * Hidden files, `sources.csv` and editors' leftovers are passed over. A symbolic link is followed only to a
 * plain file inside the folder; links to folders, links that leave it, devices, files above the size limit, names
 * that are not UTF-8, and what this user may not read are refused by name. Paths are compared and reported in NFC with forward slashes.
 */
import { access, constants, lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { HaetaeError } from '../../shared/errors.js';

export interface RawFile {
  /** Relative to the raw folder, NFC, forward slashes. */
  path: string;
  /** Where to read it. */
  location: string;
  bytes: number;
}

export interface RawFolder {
  files: RawFile[];
  refused: HaetaeError[];
}

/** Lists `folder`. `maxBytes`: largest file that is taken. Throws `FILE_NOT_FOUND`. */
export async function rawFiles(folder: string, maxBytes: number): Promise<RawFolder> {
  const root = await realpath(folder).catch(() => {
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `There is no folder ${folder}. Give the folder of documents with --raw.`,
    );
  });
  if (!(await stat(root)).isDirectory()) {
    throw new HaetaeError('FILE_NOT_FOUND', `${folder} is a file. Give the folder of documents with --raw.`);
  }
  const found: RawFolder = { files: [], refused: [] };
  await walk(root, root, maxBytes, found);
  found.files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return found;
}

async function walk(root: string, folder: string, maxBytes: number, found: RawFolder): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (folder === root) throw error;
    const path = relative(root, folder).split(sep).join('/');
    found.refused.push(
      refuse(path, `cannot be read (${error.code})`, 'Give this user the right to read it.'),
    );
    return [];
  });
  for (const name of names.sort()) {
    if (name.startsWith('.') || name.endsWith('~') || name.startsWith('~$')) continue;
    const location = join(folder, name);
    const path = relative(root, location).split(sep).join('/').normalize('NFC');
    if (path === 'sources.csv') continue;
    const entry = await lstat(location).catch(() => undefined);
    if (entry === undefined) {
      // the bytes of its name are no UTF-8, so the name that was read leads nowhere
      found.refused.push(refuse(path, 'cannot be found under this name', 'Rename it to a name in UTF-8.'));
      continue;
    }
    if (entry.isDirectory()) {
      await walk(root, location, maxBytes, found);
      continue;
    }
    const target = entry.isSymbolicLink() ? await realpath(location).catch(() => undefined) : location;
    if (target === undefined || !target.startsWith(root + sep)) {
      found.refused.push(refuse(path, 'is a link that leads out of the folder or nowhere'));
      continue;
    }
    const file = await stat(target);
    if (!file.isFile()) found.refused.push(refuse(path, 'is no plain file'));
    else if (file.size > maxBytes) {
      found.refused.push(refuse(path, `has ${file.size} bytes, more than the ${maxBytes} allowed`));
    } else if (!(await isReadable(target))) {
      found.refused.push(refuse(path, 'cannot be read', 'Give this user the right to read it.'));
    } else found.files.push({ path, location: target, bytes: file.size });
  }
}

async function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}

function refuse(path: string, why: string, advice = 'Put a copy of the file itself there.'): HaetaeError {
  return new HaetaeError('DOCUMENT_REFUSED', `${path} ${why}. ${advice}`, { path });
}
