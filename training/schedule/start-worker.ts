/**
 * Starts a worker thread on a module of this program, compiled (`.js`) or from source (`.ts`).
 *
 * From source tsx has to be set up in the thread: what `--import=tsx` registers in the main thread does not reach
 * others in Node 20.
 */
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** @param entry absolute path of the module */
export function startWorker(entry: string, options: WorkerOptions): Worker {
  if (extname(entry) !== '.ts') return new Worker(entry, { ...options, eval: false });
  const [tsx, module] = [import.meta.resolve('tsx/esm/api'), pathToFileURL(entry).href].map((url) =>
    JSON.stringify(url),
  );
  const code = `import(${tsx}).then(({ register }) => { register(); return import(${module}); });`;
  return new Worker(code, { ...options, eval: true });
}
