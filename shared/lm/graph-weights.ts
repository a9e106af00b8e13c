/**
 * Weights of a checkpoint as initializers of a graph: external data by offset into the checkpoint's files, each
 * there once however often it is used.
 */
import type { GraphBuilder } from '../onnx/onnx-model.js';
import { tensorTypes } from '../onnx/tensor-type.js';
import { type Checkpoint, type CheckpointTensor, floatTypes } from './checkpoint.js';
import type { QuantizationConfig } from './model-config.js';
import { quantizedShapes } from './quantized-tensor.js';

/** A tensor of the head as the embedding sees it: the blocks of a row in one. */
export function embeddingView(tensor: CheckpointTensor): { name: string; shape: number[] } {
  const [n, ...inner] = tensor.shape as [number, ...number[]];
  const isBlocks = inner.length === 2;
  return { name: `embedding.${tensor.name}`, shape: isBlocks ? [n, inner[0]! * inner[1]!] : [n, ...inner] };
}

export class GraphWeights {
  readonly #graph: GraphBuilder;
  readonly #checkpoint: Checkpoint;
  /** In the graph already, by name: as stored, and as float32. */
  readonly #stored = new Set<string>();
  readonly #widened = new Map<string, string>();

  constructor(graph: GraphBuilder, checkpoint: Checkpoint) {
    this.#graph = graph;
    this.#checkpoint = checkpoint;
  }

  /** The two tensors of a quantised layer; the embedding's view of the head has the blocks of a row in one. */
  quantized(
    name: string,
    n: number,
    k: number,
    { blockSize }: QuantizationConfig,
    bits: 4 | 8,
    view?: 'embedding',
  ): { qweight: string; scales: string } {
    const shapes = quantizedShapes(n, k, bits, blockSize);
    const qweight = this.#checkpoint.typedTensor(`${name}.qweight`, ['uint8'], shapes.qweight);
    const scales = this.#checkpoint.typedTensor(`${name}.scales`, ['float32'], shapes.scales);
    const [q, s] = [qweight, scales].map((tensor) => {
      const as = view ? embeddingView(tensor) : tensor;
      return this.#graph.externalInitializer(as.name, tensor.type, as.shape, tensor);
    });
    return { qweight: q!, scales: s! };
  }

  /** A weight as float32. */
  float(name: string, shape: readonly number[]): string {
    const stored = this.stored(name, shape);
    if (this.#checkpoint.tensor(name).type === 'float32') {
      return stored;
    }
    const known = this.#widened.get(name) ?? this.widen(stored);
    this.#widened.set(name, known);
    return known;
  }

  /** A weight as the checkpoint has it. */
  stored(name: string, shape: readonly number[]): string {
    if (!this.#stored.has(name)) {
      const tensor = this.#checkpoint.typedTensor(name, floatTypes, shape);
      this.#graph.externalInitializer(name, tensor.type, tensor.shape, tensor);
      this.#stored.add(name);
    }
    return name;
  }

  /** Any value as float32. */
  widen(value: string): string {
    return this.#graph.node('Cast', [value], { attributes: { to: tensorTypes.float32.onnx } });
  }

  /** A list of integers, known by name. */
  integers(name: string, values: readonly number[]): string {
    if (!this.#stored.has(name)) {
      this.#graph.initializer(name, 'int64', [values.length], BigInt64Array.from(values, BigInt));
      this.#stored.add(name);
    }
    return name;
  }
}
