/** PyTorch's side of `train`: a process that stays open and trains some steps when it is told to (`peers/train_pytorch.py`). */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type NamedTensor, writeSafetensors } from '../shared/onnx/safetensors.js';
import type { MatmulPrecision } from '../training/autodiff/tape.js';
import { partValues } from '../training/model/parameter-values.js';
import { learningRate, optimizerSettings, type StartingPoint } from './train-engine.js';
import type { GemmPeak } from './train-gemm.js';

export interface PeerTurn {
  stepMs: number[];
  losses: number[];
}

export interface PeerSetting {
  /** A Python that has `torch`. */
  python: string;
  environment: Readonly<Record<string, string | undefined>>;
  threads: number;
}

/** Gives PyTorch memory that stays: without, every tensor of some size is mapped, cleared and unmapped in each step. */
export const peerEnvironment = {
  MALLOC_MMAP_THRESHOLD_: String(2 ** 32),
  MALLOC_TRIM_THRESHOLD_: String(2 ** 33),
  MALLOC_TOP_PAD_: String(2 ** 28),
};

/** What both begin with, as the peer reads it. */
export async function writeStartingPoint(path: string, start: StartingPoint): Promise<void> {
  const count = start.batch.ids.length;
  const parts = [...new Set([...start.decoder, ...start.trained])].flatMap((it) =>
    partValues(it, start.values),
  );
  const tensors: NamedTensor[] = [
    ...parts.map(({ name, shape, values }): NamedTensor => ({ name, type: 'float32', shape, data: values })),
    { name: 'input_ids', type: 'int64', shape: [count], data: start.batch.ids },
    { name: 'labels', type: 'int64', shape: [count], data: start.batch.labels },
  ];
  await writeSafetensors(path, tensors);
}

export class PyTorchPeer {
  readonly version: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #errors: string[];

  private constructor(
    version: string,
    child: ChildProcessWithoutNullStreams,
    lines: AsyncIterator<string>,
    errors: string[],
  ) {
    this.version = version;
    this.#child = child;
    this.#lines = lines;
    this.#errors = errors;
  }

  /**
   * @param file written by `writeStartingPoint`
   * @throws Error with the last of what Python said, where it ends early
   */
  static async open(
    { python, environment, threads }: PeerSetting,
    file: string,
    start: StartingPoint,
  ): Promise<PyTorchPeer> {
    const { config, rows, length, lora } = start.model;
    const { nLayer, nHead, nKvHead, headDim, rmsNormEps, ropeTheta, tiedHead } = config;
    const spec = {
      ...{ file, rows, length, threads, nLayer, nHead, nKvHead, headDim, rmsNormEps, ropeTheta },
      ...{ tied: tiedHead, lora, learningRate, ...optimizerSettings },
    };
    const program = fileURLToPath(new URL('./peers/train_pytorch.py', import.meta.url));
    const child = spawn(python, [program, JSON.stringify(spec)], {
      env: { ...environment, ...peerEnvironment, CUDA_VISIBLE_DEVICES: '' },
    });
    const errors: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
    child.stdin.on('error', () => {}); // it ended: the next answer says so
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { version } = await answer<{ version: string }>(lines, errors);
    return new PyTorchPeer(version, child, lines, errors);
  }

  steps(count: number, precision: MatmulPrecision): Promise<PeerTurn> {
    return this.#ask({ do: 'steps', count, precision });
  }

  gemm(precision: MatmulPrecision): Promise<GemmPeak> {
    return this.#ask({ do: 'gemm', precision });
  }

  async close(): Promise<void> {
    const isOver = this.#child.exitCode !== null || this.#child.signalCode !== null;
    const ended = isOver ? null : once(this.#child, 'exit');
    this.#child.stdin.end();
    await ended;
  }

  #ask<T>(command: Record<string, unknown>): Promise<T> {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    return answer<T>(this.#lines, this.#errors);
  }
}

async function answer<T>(lines: AsyncIterator<string>, errors: readonly string[]): Promise<T> {
  const { value, done } = await lines.next();
  if (done)
    throw new Error(`PyTorch ended: ${errors.join('').trim().split('\n').at(-1) || 'without a word'}`);
  return JSON.parse(value) as T;
}
