/** What package.json says of this program, and where it lies (the same from source and from `dist`). */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PackageInfo {
  name: string;
  version: string;
  description: string;
  /** Absolute path of the folder that holds package.json. */
  root: string;
}

export function readPackageInfo(): PackageInfo {
  let root = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(root, 'package.json')) && dirname(root) !== root) root = dirname(root);
  const { name, version, description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return { name, version, description, root };
}
