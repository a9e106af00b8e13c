/**
 * ONNX Runtime, behind the small interface this project needs. This is the one file that imports it.
 *
 * The native library is loaded when the first session is opened, not at import. `run` (and opening) block the
 * process they are called in for their whole length, promise or not: they belong in the engine process. ONNX
 * Runtime sizes its thread pools by the machine and ignores cgroup limits, so the number of threads is always
 * given. One run at a time per session keeps the thread pool from being shared.
 *
 * Since 1.30 the library keeps a device id and a queue of events for its vendor's collector below the user's
 * `.cache`, unless `ORT_DISABLE_TELEMETRY` is in the environment when it is loaded. It is put there first.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { HaetaeError, messageOf } from '../errors.js';
import type { TensorType } from './tensor-type.js';

export type TensorData = Float32Array | Uint16Array | BigInt64Array | Int32Array | Uint8Array | Int8Array;

export interface TensorValue {
  type: TensorType;
  shape: readonly number[];
  /** Row-major elements; float16 as bit patterns. */
  data: TensorData;
}

export interface SessionOptions {
  /** Threads inside an operator, ≥ 1. */
  threads: number;
  /** Folder that external data is found in, for a model given as bytes. */
  externalDataFolder?: string;
  /**
   * Whether memory of a run is kept for the next one, in a pool that grows by powers of two (default; of native
   * sessions it is the other). Without, each tensor is given back as soon as it is used: for sessions whose large
   * runs must not add up.
   */
  arena?: boolean;
  /**
   * Whether threads look for work for a while before they sleep (default). Without, they leave the cores to others
   * between operators: for long operators, and where JavaScript works between runs.
   */
  spinning?: boolean;
  /** Whether memory is planned ahead from the sizes of an earlier run (default). */
  memoryPattern?: boolean;
  /** 0 verbose … 3 error (default) … 4 fatal. */
  logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
}

/** An input or output as the model declares it; a size known only at run time is its symbol, or ''. */
export interface ValueInfo {
  name: string;
  type: TensorType;
  shape: readonly (number | string)[];
}

export interface Session {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Whether `into` buffers are written where they lie; where not, they are copied into after the run. */
  readonly writesInPlace: boolean;
  /**
   * Runs the graph; `outputs` picks what to compute and copy out (default: all). `into`: outputs that are written
   * straight into these buffers, which may be those of inputs (a KV cache) where the session writes in place; they
   * are not among the result.
   */
  run(
    feeds: Readonly<Record<string, TensorValue>>,
    outputs?: readonly string[],
    into?: Readonly<Record<string, TensorValue>>,
  ): Promise<Record<string, TensorValue>>;
  close(): Promise<void>;
}

/**
 * Path of ONNX Runtime's library inside `onnxruntime-node`, for `native-session.ts`.
 * @throws HaetaeError MODEL_INVALID where the package has none for this system
 */
export function runtimeLibrary(): string {
  silenceTelemetry();
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  const path = join(dirname(entry), 'bin/napi-v6', process.platform, process.arch, 'libonnxruntime.so.1');
  if (existsSync(path)) return path;
  throw new HaetaeError('MODEL_INVALID', `ONNX Runtime's library is not at ${path}. Run: npm ci`, { path });
}

function silenceTelemetry(): void {
  process.env.ORT_DISABLE_TELEMETRY = '1';
}

/**
 * Opens a model by path (external data is found beside it) or from its bytes.
 * @throws HaetaeError MODEL_INVALID where ONNX Runtime refuses the model.
 */
export async function openSession(model: string | Uint8Array, options: SessionOptions): Promise<Session> {
  silenceTelemetry();
  const ort = await import('onnxruntime-node');
  const sessionOptions = {
    executionProviders: ['cpu'],
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    enableCpuMemArena: options.arena ?? true,
    enableMemPattern: options.memoryPattern ?? true,
    logSeverityLevel: options.logSeverityLevel ?? 3,
    extra: {
      session: {
        force_spinning_stop: '1',
        ...(options.spinning === false ? { intra_op: { allow_spinning: '0' } } : {}),
        ...(options.externalDataFolder === undefined
          ? {}
          : { model_external_initializers_file_folder_path: options.externalDataFolder }),
      },
    },
  } as const;
  const what = typeof model === 'string' ? model : 'the ONNX model';
  const session = await (typeof model === 'string'
    ? ort.InferenceSession.create(model, sessionOptions)
    : ort.InferenceSession.create(model, sessionOptions)
  ).catch((error: unknown) => {
    throw new HaetaeError(
      'MODEL_INVALID',
      `${what} cannot be loaded by ONNX Runtime: ${messageOf(error)}. Export or build it again.`,
      { model: what },
      { cause: error },
    );
  });
  return {
    inputs: session.inputMetadata.map(valueInfo),
    outputs: session.outputMetadata.map(valueInfo),
    writesInPlace: false,
    async run(feeds, outputs, into = {}) {
      const copied = Object.keys(into);
      const wanted = outputs ?? session.outputNames.filter((name) => !Object.hasOwn(into, name));
      const tensors: Record<string, InstanceType<typeof ort.Tensor>> = {};
      for (const [name, value] of Object.entries(feeds)) {
        tensors[name] = new ort.Tensor(value.type as 'float32', value.data as Float32Array, value.shape);
      }
      const results = await session.run(tensors, [...wanted, ...copied]);
      for (const name of copied) {
        (into[name]!.data as Float32Array).set(results[name]!.data as Float32Array);
      }
      const values: Record<string, TensorValue> = {};
      for (const name of wanted) {
        const result = results[name]!;
        values[name] = {
          type: result.type as TensorType,
          shape: result.dims,
          data: result.data as TensorData,
        };
      }
      return values;
    },
    close: () => session.release(),
  };
}

function valueInfo(metadata: InferenceSession.ValueMetadata): ValueInfo {
  if (!metadata.isTensor) {
    throw new HaetaeError(
      'MODEL_INVALID',
      `"${metadata.name}" of the ONNX model is not a tensor. Export it again.`,
    );
  }
  return { name: metadata.name, type: metadata.type as TensorType, shape: metadata.shape };
}
