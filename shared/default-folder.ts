/** A folder of this package as seen from where the command runs, so that commands work from everywhere. */
import { join, relative } from 'node:path';
import { readPackageInfo } from './package-info.js';

export function defaultFolder(path: string): string {
  return relative(process.cwd(), join(readPackageInfo().root, path)) || '.';
}
