/** What is used of Bree, which brings no types. */
declare module 'bree' {
  import { EventEmitter } from 'node:events';
  import type { Worker, WorkerOptions } from 'node:worker_threads';

  export interface BreeJob {
    name: string;
    path: string;
    /** Milliseconds to the first run after the start; false: none. */
    timeout: number | false;
    /** Milliseconds. */
    interval?: number;
    worker?: WorkerOptions;
  }

  export interface BreeConfig {
    root: false;
    jobs: BreeJob[];
    timeout: false;
    logger: false;
    errorHandler: (error: Error, metadata: { name: string }) => void;
  }

  export default class Bree extends EventEmitter {
    constructor(config: BreeConfig);
    config: BreeConfig;
    workers: Map<string, Worker>;
    init(): Promise<void>;
    start(name?: string): Promise<void>;
    run(name?: string): Promise<void>;
    stop(name?: string): Promise<void>;
    createWorker(filename: string, options: WorkerOptions): Worker;
  }
}
