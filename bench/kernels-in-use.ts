/**
 * Which kernels compute: ONNX Runtime's own, or those of this project's addon below `build/`, which is mapped into
 * the process where it was loaded. Asking the process tells what ran, whatever was asked for.
 */
import { readFileSync } from 'node:fs';
import { sep } from 'node:path';
import { packagePath } from './workload.js';

export const kernelChoices = ['auto', 'runtime', 'native'] as const;
export type KernelChoice = (typeof kernelChoices)[number];

/** @param maps text of `/proc/<pid>/maps` */
export function kernelsOf(maps: string, buildFolder: string): 'runtime' | 'native' {
  const addons = maps.match(/\/\S.*\.node$/gmu) ?? [];
  const ours = addons.filter((path) => path.startsWith(buildFolder + sep) && !path.endsWith('faiss.node'));
  return ours.length > 0 ? 'native' : 'runtime';
}

/**
 * Of this process, once a decoder is open; null where there is no `/proc`.
 * @throws Error where others run than were asked for.
 */
export function kernelsInUse(wanted: KernelChoice = 'auto'): 'runtime' | 'native' | null {
  let maps: string;
  try {
    maps = readFileSync('/proc/self/maps', 'utf8');
  } catch {
    return null;
  }
  const found = kernelsOf(maps, packagePath('build'));
  if (wanted !== 'auto' && wanted !== found)
    throw new Error(`--kernels ${wanted} was asked for, but ${found} kernels run`);
  return found;
}
