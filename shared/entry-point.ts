/**
 * Path of a program that is started as a child process, beside the module that starts it.
 *
 * The same source runs in two forms: as `.ts` under tsx (tests, `node --import=tsx`) and as `.js` compiled
 * into `dist`. The caller's own extension tells which one is running, so a child is started in the same form.
 * With `child_process.fork`, `process.execArgv` carries `--import=tsx` along.
 */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * `entryPoint(import.meta.url, './pdf-child')` → absolute path of `pdf-child.ts` or `pdf-child.js`.
 * `relativeName` is relative to the caller's folder; an extension `.ts` or `.js` in it is replaced.
 */
export function entryPoint(importMetaUrl: string, relativeName: string): string {
  const extension = extname(new URL(importMetaUrl).pathname) === '.ts' ? '.ts' : '.js';
  const stem = relativeName.replace(/\.[jt]s$/, '');
  return fileURLToPath(new URL(`${stem}${extension}`, importMetaUrl));
}

/** Flags of node that run text instead of a file: `node -e "…"`. */
const evaluates = new Set(['-e', '--eval', '-p', '--print', '-pe']);

/**
 * The flags of this process that a forked child should have too: loaders such as `--import=tsx`, but not
 * `-e "…"`, which would make the child run this program again, and its child, without end.
 */
export function childExecArgv(flags: readonly string[] = process.execArgv): string[] {
  const kept: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i] as string;
    if (evaluates.has(flag)) i++;
    else if (!/^(?:--(?:eval|print|input-type)=|--enable-source-maps$|--inspect)/u.test(flag))
      kept.push(flag);
  }
  return kept;
}
