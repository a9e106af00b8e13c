/**
 * Opens a model folder as a decoder: a checkpoint in safetensors (plain or quantised by us), else a graph exported
 * by others below `onnx/`.
 */
import { stat } from 'node:fs/promises';
import { HaetaeError } from '../errors.js';
import { nativeKernels, openNativeSession, type ResidentWeight } from '../onnx/native-session.js';
import { embeddingView } from './graph-weights.js';
import { openSession, type Session } from '../onnx/session.js';
import { Checkpoint } from './checkpoint.js';
import type { Decoder } from './decoder.js';
import { readDecoderConfig } from './decoder-config.js';
import { buildDecoderGraph, headMultiple, type KernelDomain } from './decoder-graph.js';
import { ExportedDecoder } from './exported-decoder.js';
import { type ExportedGraph, findExportedGraph } from './exported-folder.js';
import { foreignWeights } from './foreign-weights.js';
import { GraphDecoder, type TapListener } from './graph-decoder.js';
import type { DecoderConfig } from './model-config.js';

export interface OpenDecoderOptions {
  /** Threads of the runtime, ≥ 1. */
  threads: number;
  /**
   * `runtime`: ONNX Runtime's own operators; `auto` (default): those of our addon where it is built, the processor
   * has what they need, and the model's heads are multiples of 16.
   */
  kernels?: 'auto' | 'runtime';
  /** An exported graph to use, as `onnx/model_q4.onnx` or `model_q4`, also where there is a checkpoint. */
  onnx?: string;
  /** Hears what goes into linear layers; of a checkpoint only. */
  taps?: TapListener;
  /** Stands between the decoder and its session, e.g. to time its runs. */
  wrapSession?: (session: Session) => Session;
}

/**
 * @throws HaetaeError FILE_NOT_FOUND where the folder is missing, MODEL_INVALID where something in it is missing or
 * damaged, MODEL_UNSUPPORTED where it is of a kind that cannot be computed
 */
export async function openDecoder(folder: string, options: OpenDecoderOptions): Promise<Decoder> {
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) {
    throw new HaetaeError('FILE_NOT_FOUND', `There is no model folder ${folder}.`, { path: folder });
  }
  const config = await readDecoderConfig(folder);
  if (options.onnx === undefined && (await Checkpoint.isIn(folder))) {
    return openCheckpoint(folder, config, options);
  }
  if (options.taps) {
    throw new RangeError(`${folder} is read from an exported graph, whose linear layers cannot be tapped`);
  }
  const graph = await findExportedGraph(folder, options.onnx);
  if (!graph) {
    throw new HaetaeError(
      'MODEL_INVALID',
      `The model folder ${folder} has no weights: neither model.safetensors (or its index), nor onnx/model*.onnx.` +
        ((await foreignWeights(folder)) || ' Copy them too.'),
      { path: folder },
    );
  }
  return openExported(graph, config, options);
}

async function openCheckpoint(
  folder: string,
  config: DecoderConfig,
  options: OpenDecoderOptions,
): Promise<Decoder> {
  const checkpoint = await Checkpoint.open(folder);
  const kernelDomain = kernelDomainOf(config, options.kernels ?? 'auto');
  const graph = buildDecoderGraph(config, checkpoint, {
    kernelDomain,
    ...(options.taps ? { taps: options.taps.names } : {}),
  });
  const sessionOptions = { threads: options.threads, externalDataFolder: checkpoint.dataFolder };
  const session =
    kernelDomain === 'haetae'
      ? await openNativeSession(graph, { ...sessionOptions, weights: integerWeights(checkpoint, config) })
      : await openSession(graph, sessionOptions);
  return new GraphDecoder({
    config,
    session: options.wrapSession?.(session) ?? session,
    kernelDomain,
    precision: precisionOf(config, checkpoint),
    weightBytes: checkpoint.bytes,
    kernels: kernelDomain === 'haetae' ? (nativeKernels().kernel ?? 'runtime') : 'runtime',
    ...(options.taps ? { taps: options.taps } : {}),
  });
}

async function openExported(
  graph: ExportedGraph,
  config: DecoderConfig,
  options: OpenDecoderOptions,
): Promise<Decoder> {
  const session = await openSession(graph.path, { threads: options.threads });
  try {
    return new ExportedDecoder({
      config,
      session: options.wrapSession?.(session) ?? session,
      name: graph.name,
      weightBytes: graph.bytes,
    });
  } catch (error) {
    await session.close();
    throw error;
  }
}

function kernelDomainOf(config: DecoderConfig, kernels: 'auto' | 'runtime'): KernelDomain {
  const isNative =
    kernels === 'auto' && config.headDim % headMultiple.haetae === 0 && nativeKernels().kernel !== null;
  return isNative ? 'haetae' : 'com.microsoft';
}

/**
 * Blocks and scales, which every token reads whole: worth memory of their own. An embedding that is the head's blocks
 * is another view of the same bytes, and of the same memory.
 */
function integerWeights(checkpoint: Checkpoint, { quantization }: DecoderConfig): ResidentWeight[] {
  if (!quantization) return []; // Such names are not of our layers there.
  const weights = [...checkpoint.tensors.values()].filter(({ name }) => /\.(qweight|scales)$/.test(name));
  const views = weights
    .filter(({ name }) => quantization.embedding === 'head' && name.startsWith('lm_head.'))
    .map((weight) => ({ ...weight, ...embeddingView(weight) }));
  return [...weights, ...views];
}

function precisionOf(config: DecoderConfig, checkpoint: Checkpoint): string {
  const { quantization } = config;
  if (quantization) {
    const { bits, blockSize, headBits, method } = quantization;
    return `int${bits} block ${blockSize}, head ${headBits} bits (${method})`;
  }
  const stored = checkpoint.tensor('model.embed_tokens.weight').type;
  return stored === 'float32' ? 'float32' : `float32 from ${stored}`;
}
