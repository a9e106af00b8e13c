/**
 * Sessions of ONNX Runtime through our own addon (`native/lm`), which adds what `onnxruntime-node` cannot do:
 *
 * - operators of domain `haetae`. For inference `MatMulNBits` on AMX tiles or AVX-512 VNNI, `SwiGLU`, `AddRmsNorm`, and
 *   `CachedAttention`, which extends a KV cache where it lies. For training `Gemm`, and attention, norms, losses and
 *   their gradients (`native/lm/training-ops.cc`);
 * - outputs that are written into the caller's buffers;
 * - weights read into huge pages, from which a token is made 1.3 times as fast as from a mapped file.
 *
 * It is the same library underneath, the one that comes with `onnxruntime-node`. Where the addon is not built, or
 * the processor lacks AVX-512 VNNI, `nativeKernels()` says why, and `openSession` serves with the runtime's own
 * operators.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { HaetaeError, messageOf } from '../errors.js';
import {
  runtimeLibrary,
  type Session,
  type SessionOptions,
  type TensorValue,
  type ValueInfo,
} from './session.js';
import type { TensorType } from './tensor-type.js';

/** `amx`: tiles, and VNNI for a few rows; `vnni`: AVX-512 VNNI only. */
export const nativeKernelNames = ['amx', 'vnni'] as const;
export type NativeKernel = (typeof nativeKernelNames)[number];

/** See {@link nativeGemmPrecisions}. */
export type GemmPrecision = 0 | 1 | 3;

/** An external initializer to hold in memory instead of mapping its file. */
export interface ResidentWeight {
  name: string;
  type: TensorType;
  shape: readonly number[];
  path: string;
  /** Bytes. */
  offset: number;
  length: number;
}

export interface NativeSessionOptions extends SessionOptions {
  /** Default: the best this processor has. */
  kernel?: NativeKernel;
  weights?: readonly ResidentWeight[];
  /** Prefix of a profile that ONNX Runtime writes when the session is closed. */
  profile?: string;
}

interface AddonSession {
  readonly inputs: ValueInfo[];
  readonly outputs: ValueInfo[];
  readonly kernel: NativeKernel;
  run(
    feeds: Readonly<Record<string, TensorValue>>,
    outputs: readonly string[],
    into: Readonly<Record<string, TensorValue>>,
  ): Record<string, TensorValue>;
  close(): void;
}

interface Addon {
  Session: new (options: Record<string, unknown>) => AddonSession;
  bestKernel(): NativeKernel | 'none';
  gemmPrecisions(): GemmPrecision[];
  adviseHugePages(bytes: Uint8Array): void;
  adviseHeap(): void;
  argmax(values: Float32Array): number;
}

/** From the sources, and from dist/. */
const addonPaths = ['../../build/lm.node', '../../../build/lm.node'];

const noKernel = 'the processor has no AVX-512 VNNI';

let addon: Addon | { reason: string } | undefined;

function loadAddon(): Addon | { reason: string } {
  if (addon) return addon;
  const path = addonPaths
    .map((at) => fileURLToPath(new URL(at, import.meta.url)))
    .find((at) => existsSync(at));
  if (path === undefined) {
    addon = { reason: 'the addon is not built: run sh scripts/build-native.sh lm' };
    return addon;
  }
  try {
    addon = createRequire(import.meta.url)(path) as Addon;
  } catch (error) {
    addon = {
      reason: `the addon cannot be loaded (${messageOf(error)}): run sh scripts/build-native.sh lm --force`,
    };
  }
  return addon;
}

/** What native sessions compute with here, or why there are none. */
export function nativeKernels(): { kernel: NativeKernel } | { kernel: null; reason: string } {
  const loaded = loadAddon();
  if ('reason' in loaded) return { kernel: null, reason: loaded.reason };
  const kernel = loaded.bestKernel();
  return kernel === 'none' ? { kernel: null, reason: noKernel } : { kernel };
}

/**
 * What operator `Gemm` can compute with here: `0` float32; `1` bfloat16 and `3` three products of bfloat16, both with
 * float32 sums and on AMX tiles. None without the addon or AVX-512.
 */
export function nativeGemmPrecisions(): readonly GemmPrecision[] {
  const loaded = loadAddon();
  return 'reason' in loaded ? [] : loaded.gemmPrecisions();
}

/** Index of the largest element in a tenth of JavaScript's time, or null without the addon. */
export function nativeArgmax(): ((values: Float32Array) => number) | null {
  const loaded = loadAddon();
  return 'reason' in loaded ? null : loaded.argmax;
}

/** Asks for huge pages for memory that was not touched yet; without the addon nothing happens. */
export function adviseHugePages(buffer: ArrayBufferLike): void {
  const loaded = loadAddon();
  if (!('reason' in loaded)) loaded.adviseHugePages(new Uint8Array(buffer));
}

/**
 * Puts the large anonymous memory that the process holds by now into huge pages: for arenas that were filled by a
 * first run and are kept. Takes some tens of milliseconds; without the addon nothing happens.
 */
export function adviseHeap(): void {
  const loaded = loadAddon();
  if (!('reason' in loaded)) loaded.adviseHeap();
}

/**
 * Opens a model by path or from its bytes. `run` blocks the process, as that of `openSession` does.
 * @throws HaetaeError MODEL_INVALID where ONNX Runtime refuses the model or a weight cannot be read, where there is
 * no addon, or the processor lacks the kernel
 */
export async function openNativeSession(
  model: string | Uint8Array,
  options: NativeSessionOptions,
): Promise<Session> {
  const session = openOrExplain(usableAddon(), model, options);
  const outputNames = session.outputs.map(({ name }) => name);
  return {
    inputs: session.inputs,
    outputs: session.outputs,
    writesInPlace: true,
    async run(feeds, outputs, into = {}) {
      return session.run(feeds, outputs ?? outputNames.filter((name) => !Object.hasOwn(into, name)), into);
    },
    async close() {
      session.close();
    },
  };
}

/** The operators must not run where the processor lacks what they are made of: it would end the process. */
function usableAddon(): Addon {
  const loaded = loadAddon();
  if (!('reason' in loaded) && loaded.bestKernel() !== 'none') return loaded;
  const reason = 'reason' in loaded ? loaded.reason : noKernel;
  throw new HaetaeError('MODEL_INVALID', `There are no native kernels: ${reason}.`);
}

function openOrExplain(
  loaded: Addon,
  model: string | Uint8Array,
  options: NativeSessionOptions,
): AddonSession {
  try {
    return new loaded.Session({
      library: runtimeLibrary(),
      model,
      threads: options.threads,
      logSeverityLevel: options.logSeverityLevel ?? 3,
      kernel: options.kernel ?? 'auto',
      weights: options.weights ?? [],
      arena: options.arena ?? false,
      ...(options.profile === undefined ? {} : { profile: options.profile }),
      config: {
        'session.force_spinning_stop': '1',
        ...(options.spinning === false
          ? { 'session.intra_op.allow_spinning': '0' }
          : { 'session.intra_op.spin_duration_us': '200' }),
        ...(options.externalDataFolder === undefined
          ? {}
          : { 'session.model_external_initializers_file_folder_path': options.externalDataFolder }),
      },
    });
  } catch (error) {
    const what = typeof model === 'string' ? model : 'the ONNX model';
    throw new HaetaeError(
      'MODEL_INVALID',
      `${what} cannot be loaded: ${messageOf(error)}. Export, build or copy it again.`,
      { model: what },
      { cause: error },
    );
  }
}
