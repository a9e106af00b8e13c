/**
 * Runs kernels over all blocks of a `ParameterMemory`, on this thread and on workers. Such a pass is bound by the
 * memory, of whose bandwidth one core does not reach all: of 7M parameters two threads take 6.1 ms, one 11.1.
 *
 * Workers start by themselves and join in with the first job for which they are ready; results are the same to the bit
 * with any number of them. They do not keep the process from ending.
 */
import { Worker } from 'node:worker_threads';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import { elementCount } from '../../shared/onnx/tensor-type.js';
import type { TrainingKernels } from '../autodiff/tape.js';
import { callables, compile } from './assembler/instantiate.js';
import { type Block, blocksOf } from './blocks.js';
import {
  allocateJobs,
  describeJob,
  ENDED,
  type JobArguments,
  type Jobs,
  type KernelName,
  type Kernels,
  kernelNames,
  READY,
  STARTING,
  work,
} from './kernel-jobs.js';
import { type KernelWorkerData, kernelWorker } from './kernel-worker.js';
import { kernels } from './kernels.js';
import type { ParameterMemory, ParameterSpec } from './parameter-memory.js';

export interface KernelThreadsOptions {
  /** The program of a worker. */
  program?: string;
  /** How long a worker may take for its part of a job. A job over 4 GiB takes less than a second. */
  answerWithinMs?: number;
}

/** Below, a step takes less than 2 ms on one thread. */
const leastParameters = 1_000_000;
/** Memory is what limits, and few cores reach all of its bandwidth. */
const mostThreads = 8;

/**
 * How many threads the optimizer of these tensors should have. One beside ONNX Runtime's own operators, because its
 * binding for Node takes no views of shared memory ("Invalid argument").
 */
export function optimizerThreads(
  specs: readonly ParameterSpec[],
  { threads, kernels: sessions }: { threads: number; kernels: TrainingKernels },
): number {
  const parameters = specs.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  return sessions === 'runtime' || parameters < leastParameters ? 1 : Math.min(threads, mostThreads);
}

export class KernelThreads {
  /** For calls outside jobs. */
  readonly kernels: Kernels;
  readonly #instance: WebAssembly.Instance;
  readonly #blocks: readonly Block[];
  readonly #jobs: Jobs;
  readonly #workers: readonly Worker[];
  readonly #answerWithinMs: number;
  #job = READY;
  #failure: HaetaeError | null = null;

  /** Starts `memory.threads` − 1 workers, to be closed at the end. */
  constructor(memory: ParameterMemory, options: KernelThreadsOptions = {}) {
    const { program = kernelWorker, answerWithinMs = 60_000 } = options;
    const compiled = compile(kernels, memory.memory);
    const workers = memory.threads - 1;
    this.#instance = new WebAssembly.Instance(compiled.module, compiled.imports);
    this.kernels = callables(kernels, this.#instance);
    this.#blocks = blocksOf(memory.places);
    this.#jobs = allocateJobs(this.#blocks.length, workers);
    this.#answerWithinMs = answerWithinMs;
    const handed = { ...compiled, kernelNames, jobs: this.#jobs, ready: READY, ended: ENDED };
    this.#workers = Array.from({ length: workers }, (_, worker) => {
      const workerData: KernelWorkerData = { ...handed, worker };
      const thread = new Worker(program, { eval: true, workerData, execArgv: [] });
      thread.once('error', (error) => this.#fail(messageOf(error), error));
      thread.once('exit', (code) => this.#fail(`it exited with ${code}`));
      thread.unref();
      return thread;
    });
  }

  /** Workers that take part in jobs by now. */
  get ready(): number {
    return this.#workers.filter((_, worker) => this.#answer(worker) >= READY).length;
  }

  /**
   * Runs a kernel over all blocks. `decay` is 0 in those that do not decay.
   * @param named pointers are where regions begin
   * @returns the sum of what the kernel returned, added in the order of the blocks
   * @throws HaetaeError INTERNAL where a worker has ended or does not answer; the regions may then hold anything
   */
  run<K extends KernelName>(name: K, named: JobArguments<K>): number {
    if (this.#failure) throw this.#failure;
    const { asked, results } = this.#jobs;
    const asking = [...this.#workers.keys()].filter((worker) => this.#answer(worker) !== STARTING);
    describeJob(this.#jobs, this.#blocks, name, named);
    this.#job++;
    for (const worker of asking) {
      Atomics.store(asked, worker, this.#job);
      Atomics.notify(asked, worker);
    }
    work(this.#jobs, this.#instance.exports);
    for (const worker of asking) this.#await(worker);
    return results.reduce((sum, result) => sum + result, 0);
  }

  /** Ends the workers. Jobs are an error from then on. */
  async close(): Promise<void> {
    this.#failure ??= new HaetaeError('INTERNAL', 'the threads of the optimizer have been closed');
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #await(worker: number): void {
    const until = performance.now() + this.#answerWithinMs;
    for (let answer = this.#answer(worker); answer !== this.#job; answer = this.#answer(worker)) {
      if (answer === ENDED) throw this.#fail('it ended while it was at work');
      const left = until - performance.now();
      if (left <= 0) throw this.#fail(`it did not answer within ${this.#answerWithinMs} ms`);
      Atomics.wait(this.#jobs.answered, worker, answer, left);
    }
  }

  #answer(worker: number): number {
    return Atomics.load(this.#jobs.answered, worker);
  }

  #fail(reason: string, cause?: unknown): HaetaeError {
    this.#failure ??= new HaetaeError(
      'INTERNAL',
      `a thread of the optimizer has failed: ${reason}. Go on from the last checkpoint, with threads: 1 if it fails again.`,
      {},
      { cause },
    );
    return this.#failure;
  }
}
