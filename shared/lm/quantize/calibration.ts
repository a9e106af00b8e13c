/**
 * The activations of a calibration text as they pass through a decoder, block by block, so that each block is
 * quantised for what the quantised blocks before it really give.
 *
 * In memory: the hidden states (4 bytes · tokens · hidden), one block's weights as float32, its four Hessians
 * (4 bytes · features², the largest being that of `down_proj`), and one batch of activations.
 */
import { openSession, type Session, type TensorValue } from '../../onnx/session.js';
import type { DecoderConfig } from '../model-config.js';
import { ropeTables } from '../rope.js';
import { blockWeights, buildBlockGraph } from './block-graph.js';
import type { MatrixProducts } from './matrix-products.js';
import { embeddingName } from './plan-layers.js';
import type { TensorReader } from './tensor-reader.js';

/** A block's weights by their names without `model.layers.N.`. */
export type BlockWeights = ReadonlyMap<string, Float32Array>;

export interface Calibration {
  /** Weights of block `index` as float32. */
  readBlock(index: number): Promise<BlockWeights>;
  /** For each linear layer of a block (`mlp.down_proj`, …): Xᵀ X of its inputs, lower triangle, `[k, k]`. */
  hessians(index: number, weights: BlockWeights): Promise<Map<string, Float32Array>>;
  /** Carries the activations through the block. */
  advance(index: number, weights: BlockWeights): Promise<void>;
  /** Xᵀ X of what goes into the head after the last block: hidden states under the final norm. */
  headHessian(norm: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface CalibrationOptions {
  config: DecoderConfig;
  reader: TensorReader;
  /** Token ids of sequences, all of one length. */
  sequences: readonly (readonly number[])[];
  products: MatrixProducts;
  threads: number;
  signal?: AbortSignal;
}

/** Tokens of sequences that run through a block together. */
const batchTokens = 2048;
/** Rows of a Hessian that are computed at once. */
const gramRows = 512;

export async function openCalibration(options: CalibrationOptions): Promise<Calibration> {
  const { config, reader, sequences, products, threads, signal } = options;
  const length = sequences[0]!.length;
  const { hiddenSize } = config;
  const hidden = await embed(sequences, hiddenSize, reader); // [sequences, length, hidden]
  const perBatch = Math.max(1, Math.floor(batchTokens / length));
  const rope = ropeTables(config, length);
  const sessions = new Map<number | null, Session>();

  async function sessionOf(index: number): Promise<Session> {
    const window = config.slidingWindow[index] ?? null;
    let session = sessions.get(window);
    if (!session) {
      session = await openSession(buildBlockGraph(config, window), { threads, arena: false });
      sessions.set(window, session);
    }
    return session;
  }

  /** Runs the block over all sequences, batch by batch. */
  async function forEachBatch(
    index: number,
    weights: BlockWeights,
    outputs: readonly string[],
    use: (outputs: Record<string, TensorValue>, batch: Float32Array) => Promise<void> | void,
  ): Promise<void> {
    const session = await sessionOf(index);
    const shapes = blockWeights(config);
    const constant: Record<string, TensorValue> = {
      cos_cache: { type: 'float32', shape: [length, config.headDim / 2], data: rope.cos },
      sin_cache: { type: 'float32', shape: [length, config.headDim / 2], data: rope.sin },
      total_length: { type: 'int32', shape: [1], data: Int32Array.of(length) },
    };
    for (const [name, data] of weights) {
      constant[name] = { type: 'float32', shape: shapes.get(name)!, data };
    }
    for (let first = 0; first < sequences.length; first += perBatch) {
      signal?.throwIfAborted();
      const count = Math.min(perBatch, sequences.length - first);
      const batch = hidden.subarray(first * length * hiddenSize, (first + count) * length * hiddenSize);
      const positions = BigInt64Array.from({ length: count * length }, (_, i) => BigInt(i % length));
      const results = await session.run(
        {
          ...constant,
          hidden: { type: 'float32', shape: [count, length, hiddenSize], data: batch },
          position_ids: { type: 'int64', shape: [count, length], data: positions },
          seqlens_k: { type: 'int32', shape: [count], data: new Int32Array(count).fill(length - 1) },
        },
        outputs,
      );
      await use(results, batch);
    }
  }

  /** Adds Xᵀ X to the lower triangle, panel by panel. */
  async function addGram(hessian: Float32Array, x: Float32Array, n: number): Promise<void> {
    for (let from = 0; from < n; from += gramRows) {
      signal?.throwIfAborted();
      const to = Math.min(n, from + gramRows);
      const product = await products.gram(x, n, from, to);
      for (let row = from; row < to; row++) {
        const target = hessian.subarray(row * n, row * n + to);
        const source = product.subarray((row - from) * to, (row - from + 1) * to);
        for (let i = 0; i < to; i++) target[i]! += source[i]!;
      }
    }
  }

  return {
    async readBlock(index) {
      const weights = new Map<string, Float32Array>();
      for (const [name, shape] of blockWeights(config)) {
        const rows = await reader.readRows(`model.layers.${index}.${name}`, 0, shape[0]!);
        weights.set(name, rows.slice());
      }
      return weights;
    },
    async hessians(index, weights) {
      const inputs: Record<string, number> = {
        'self_attn.qkv_proj': hiddenSize,
        'self_attn.o_proj': config.nHead * config.headDim,
        'mlp.gate_up_proj': hiddenSize,
        'mlp.down_proj': config.intermediateSize,
      };
      const hessians = new Map(
        Object.entries(inputs).map(([name, n]) => [name, new Float32Array(n * n)] as const),
      );
      const taps = Object.keys(inputs).map((name) => `tap.${name}`);
      await forEachBatch(index, weights, taps, async (outputs) => {
        for (const [name, n] of Object.entries(inputs)) {
          await addGram(hessians.get(name)!, outputs[`tap.${name}`]!.data as Float32Array, n);
        }
      });
      return hessians;
    },
    advance(index, weights) {
      return forEachBatch(index, weights, ['hidden_out'], (outputs, batch) =>
        batch.set(outputs.hidden_out!.data as Float32Array),
      );
    },
    async headHessian(norm) {
      const hessian = new Float32Array(hiddenSize * hiddenSize);
      const size = batchTokens * hiddenSize;
      for (let at = 0; at < hidden.length; at += size) {
        const rows = rmsNorm(hidden.subarray(at, at + size), norm, config.rmsNormEps);
        await addGram(hessian, rows, hiddenSize);
      }
      return hessian;
    },
    async close() {
      await Promise.all([...sessions.values()].map((session) => session.close()));
      sessions.clear();
    },
  };
}

async function embed(
  sequences: readonly (readonly number[])[],
  hiddenSize: number,
  reader: TensorReader,
): Promise<Float32Array> {
  const length = sequences[0]!.length;
  const places = new Map<number, number[]>();
  for (const [s, ids] of sequences.entries()) {
    for (const [i, id] of ids.entries()) {
      const known = places.get(id);
      if (known) known.push(s * length + i);
      else places.set(id, [s * length + i]);
    }
  }
  const hidden = new Float32Array(sequences.length * length * hiddenSize);
  for (const [id, positions] of places) {
    const row = await reader.readRows(embeddingName, id, 1);
    for (const position of positions) hidden.set(row, position * hiddenSize);
  }
  return hidden;
}

function rmsNorm(rows: Float32Array, weight: Float32Array, eps: number): Float32Array {
  const n = weight.length;
  const normed = new Float32Array(rows.length);
  for (let at = 0; at < rows.length; at += n) {
    let squares = 0;
    for (let i = 0; i < n; i++) squares += rows[at + i]! ** 2;
    const scale = 1 / Math.sqrt(squares / n + eps);
    for (let i = 0; i < n; i++) normed[at + i] = rows[at + i]! * scale * weight[i]!;
  }
  return normed;
}
