/**
 * This program compiled, for contenders to run as the product does: the loader that runs TypeScript as it is takes
 * 45 MB in each process, and would be counted as theirs.
 */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { packagePath } from './workload.js';

/** A folder beside `dist`, since the addons are found by their place below the root. */
const folderName = 'dist-bench';
let compiled: Promise<string> | undefined;

/** Path of a module of `bench/`, compiled; once in the life of this process. @throws Error with the compiler's words */
export async function compiledModule(name: string): Promise<string> {
  compiled ??= compile();
  return join(await compiled, 'bench', `${name}.js`);
}

async function compile(): Promise<string> {
  const folder = packagePath(folderName);
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin/tsc',
  );
  const project = ['-p', packagePath('bench/tsconfig.json'), '--outDir', folder];
  await promisify(execFile)(process.execPath, [compiler, ...project]).catch((error: { stdout?: string }) => {
    throw new Error(`the contenders could not be compiled: ${error.stdout ?? error}`);
  });
  return folder;
}
