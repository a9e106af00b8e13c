/** Finds a Python that has a module; peers are left out, with a word about it, where there is none. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Debian's packages (`python3-faiss`) belong to this one, whatever `python3` is on the path. */
const systemPython = '/usr/bin/python3';

export async function hasModule(python: string, module: string): Promise<boolean> {
  return promisify(execFile)(python, ['-c', `import ${module}`]).then(
    () => true,
    () => false,
  );
}

/** The interpreter given, or the first that has `faiss`; null where none has. */
export async function findFaissPython(given: string): Promise<string | null> {
  for (const python of given === '' ? ['python3', systemPython] : [given]) {
    if (await hasModule(python, 'faiss')) return python;
  }
  return null;
}
