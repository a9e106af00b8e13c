/**
 * How threads share the work of a kernel. A job is a call of it for every block; each thread makes the next call that
 * nobody has made, until there are none left. What they say to each other stands in shared memory:
 *
 *     next                 block to take next
 *     kernel, calls[block] of the job: which export, and its arguments
 *     results[block]       what it returned
 *     asked[worker]        number of the job that the worker is to take part in; it sleeps until this changes
 *     answered[worker]     the same number once there is nothing left to take, or what has become of the worker
 *
 * The other side is `kernel-worker.ts`.
 */
import type { Callable } from './assembler/instantiate.js';
import type { Block } from './blocks.js';
import { kernels } from './kernels.js';

export type KernelName = keyof typeof kernels;
export type Kernels = { readonly [K in KernelName]: Callable<(typeof kernels)[K]> };
/** What a kernel takes but `bytes`, which is the block's. */
export type JobArguments<K extends KernelName> = Omit<Parameters<Kernels[K]>[0], 'bytes'>;

/** What `answered` holds before the first job: the worker still starts, or is ready. */
export const STARTING = -1;
export const READY = 0;
/** And after the last. */
export const ENDED = -2;

export const kernelNames = Object.keys(kernels) as readonly KernelName[];
const parametersOf = (name: KernelName) => Object.entries<string>(kernels[name].parameters);
const callLength = Math.max(...kernelNames.map((name) => parametersOf(name).length));

/** Places in `Jobs.words`. */
const NEXT = 0;
const KERNEL = 1;

/** Views of shared memory. */
export interface Jobs {
  /** [next, kernel] */
  readonly words: Int32Array;
  /** [blocks, callLength]; a kernel with fewer parameters passes over the rest. */
  readonly calls: Float64Array;
  readonly callLength: number;
  readonly results: Float64Array;
  readonly asked: Int32Array;
  readonly answered: Int32Array;
}

export function allocateJobs(blocks: number, workers: number): Jobs {
  const doubles = (length: number) => new Float64Array(new SharedArrayBuffer(8 * length));
  const words = (length: number) => new Int32Array(new SharedArrayBuffer(4 * length));
  return {
    ...{ words: words(2), calls: doubles(blocks * callLength), callLength, results: doubles(blocks) },
    ...{ asked: words(workers), answered: words(workers).fill(STARTING) },
  };
}

/**
 * Describes a job; nobody may be at work. Others see it once they are asked.
 * @param named pointers are where regions begin; `decay` is 0 in blocks that do not decay
 */
export function describeJob<K extends KernelName>(
  jobs: Jobs,
  blocks: readonly Block[],
  name: K,
  named: JobArguments<K>,
): void {
  const given = named as Readonly<Record<string, number>>;
  for (const [at, [key, type]] of parametersOf(name).entries()) {
    const value = given[key] ?? 0;
    for (const [index, { offset, bytes, decay }] of blocks.entries()) {
      const argument = type === 'i32' ? value + offset : key === 'decay' && !decay ? 0 : value;
      jobs.calls[index * callLength + at] = key === 'bytes' ? bytes : argument;
    }
  }
  jobs.words[KERNEL] = kernelNames.indexOf(name);
  Atomics.store(jobs.words, NEXT, 0);
}

/** Makes calls of the job that is described until there are none left to make. */
export function work(jobs: Jobs, exports: Readonly<Record<string, unknown>>): void {
  const { words, calls, results } = jobs;
  const kernel = exports[kernelNames[words[KERNEL]!]!] as (...numbers: number[]) => number;
  for (;;) {
    const block = Atomics.add(words, NEXT, 1);
    if (block >= results.length) return;
    results[block] = kernel(...calls.subarray(block * callLength, (block + 1) * callLength));
  }
}
