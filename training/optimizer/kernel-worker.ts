/**
 * The program of a thread of `KernelThreads`: it sleeps until it is asked to take part in a job (`kernel-jobs.ts`), and
 * ends when it is terminated.
 *
 * It is text, and all that it needs is handed to it, because loaders that run TypeScript do not reach worker threads.
 */
import type { Jobs } from './kernel-jobs.js';

export interface KernelWorkerData {
  /** Compiled kernels, and what they import: the shared memory. */
  module: WebAssembly.Module;
  imports: Record<string, Record<string, unknown>>;
  kernelNames: readonly string[];
  jobs: Jobs;
  /** Which of the workers this is, from 0. */
  worker: number;
  /** What it answers before the first job, and after the last. */
  ready: number;
  ended: number;
}

export const kernelWorker = `
'use strict';
const { module: compiled, imports, kernelNames, jobs, worker, ready, ended } = require('node:worker_threads').workerData;
const { words, calls, callLength, results, asked, answered } = jobs;
const answer = (value) => {
  Atomics.store(answered, worker, value);
  Atomics.notify(answered, worker);
};
process.once('exit', () => answer(ended));
const { exports: kernels } = new WebAssembly.Instance(compiled, imports);
let done = ready;
answer(done);
for (;;) {
  Atomics.wait(asked, worker, done);
  const job = Atomics.load(asked, worker);
  if (job === done) continue;
  const kernel = kernels[kernelNames[words[1]]];
  for (let block; (block = Atomics.add(words, 0, 1)) < results.length; ) {
    results[block] = kernel(...calls.subarray(block * callLength, (block + 1) * callLength));
  }
  done = job;
  answer(done);
}
`;
