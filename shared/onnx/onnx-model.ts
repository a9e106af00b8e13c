/**
 * A builder of ONNX models (`onnx.proto`, IR version 10), enough for the graphs of this project.
 *
 * ```
 * const graph = new GraphBuilder('embedder');
 * const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
 * const table = graph.initializer('table', 'float32', [vocab, dim], weights);
 * graph.node('Gather', [table, ids], { outputs: ['embeddings'] });
 * graph.output('embeddings', 'float32', ['batch', 'length', dim]);
 * const bytes = graph.build();
 * ```
 *
 * Names are the edges, as in ONNX: every method returns the name to use as an input further on. A shape holds
 * numbers, and strings for sizes known only at run time. The builder checks names (each defined once, before
 * it is used) and the size of initializers; types and shapes of nodes are checked by ONNX Runtime.
 */
import { ProtobufWriter } from './protobuf-writer.js';
import { bytesOf, elementCount, type TensorType, tensorTypes } from './tensor-type.js';

export type SymbolicShape = readonly (number | string)[];

/**
 * Attributes: a number is an integer unless wrapped as `{ float }`; an array is a list of integers; `{ graph }` is a
 * branch of `If`, made by `subgraph`.
 */
export type AttributeValue =
  | number
  | string
  | { float: number }
  | readonly number[]
  | { floats: readonly number[] }
  | { graph: GraphBuilder };

export interface NodeOptions {
  /** Names of the outputs; default: one output with a fresh name. An empty name leaves an output out. */
  outputs?: readonly string[];
  attributes?: Readonly<Record<string, AttributeValue>>;
  /** Operator set: '' is ONNX itself, `com.microsoft` the runtime's own. */
  domain?: string;
  name?: string;
}

/** Where the bytes of an external initializer lie: a file beside the model, by offset and length in bytes. */
export interface ExternalData {
  location: string;
  offset: number;
  length: number;
}

const attributeKind = { float: 1, int: 2, string: 3, graph: 5, floats: 6, ints: 7 } as const;

export class GraphBuilder {
  readonly name: string;
  readonly #nodes: ProtobufWriter[] = [];
  readonly #initializers: ProtobufWriter[] = [];
  readonly #inputs: ProtobufWriter[] = [];
  readonly #outputs: ProtobufWriter[] = [];
  readonly #described: ProtobufWriter[] = [];
  readonly #defined = new Set<string>();
  readonly #domains: Set<string>;
  readonly #outer: GraphBuilder | undefined;
  #fresh = 0;

  constructor(name: string, outer?: GraphBuilder) {
    this.name = name;
    this.#outer = outer;
    this.#domains = outer ? outer.#domains : new Set<string>();
  }

  /** A graph for an attribute of one of this graph's nodes: it sees what is defined here so far. */
  subgraph(name: string): GraphBuilder {
    return new GraphBuilder(name, this);
  }

  input(name: string, type: TensorType, shape: SymbolicShape): string {
    this.#inputs.push(valueInfo(this.#define(name), type, shape));
    return name;
  }

  output(name: string, type: TensorType, shape: SymbolicShape): void {
    this.#mustExist(name);
    this.#outputs.push(valueInfo(name, type, shape));
  }

  /** A constant stored in the model. `data` holds the elements in row-major order, little endian. */
  initializer(name: string, type: TensorType, shape: readonly number[], data: ArrayBufferView): string {
    checkByteLength(name, type, shape, data.byteLength);
    this.#initializers.push(tensor(this.#define(name), type, shape).bytes(9, bytesOf(data)));
    return name;
  }

  /** A constant whose bytes lie in another file of the model's folder. */
  externalInitializer(name: string, type: TensorType, shape: readonly number[], data: ExternalData): string {
    checkByteLength(name, type, shape, data.length);
    const proto = tensor(this.#define(name), type, shape);
    for (const key of ['location', 'offset', 'length'] as const) {
      proto.message(13, new ProtobufWriter().string(1, key).string(2, String(data[key])));
    }
    this.#initializers.push(proto.int(14, 1)); // data_location = EXTERNAL
    return name;
  }

  /** Adds a node and returns the name of its first output. An empty input name leaves an optional input out. */
  node(operator: string, inputs: readonly string[], options: NodeOptions = {}): string {
    const name = options.name ?? this.#freshName(operator);
    const outputs = options.outputs ?? [`${name}_output`];
    const proto = new ProtobufWriter();
    for (const input of inputs) {
      if (input !== '') {
        this.#mustExist(input);
      }
      proto.string(1, input);
    }
    for (const output of outputs) {
      proto.string(2, output === '' ? '' : this.#define(output));
    }
    proto.string(3, name).string(4, operator);
    for (const [key, value] of Object.entries(options.attributes ?? {})) {
      proto.message(5, attribute(key, value));
    }
    if (options.domain) {
      this.#domains.add(options.domain);
      proto.string(7, options.domain);
    }
    this.#nodes.push(proto);
    return outputs[0] ?? '';
  }

  /**
   * Tells type and shape of what a node puts out, where ONNX Runtime cannot find them itself (operators of our own
   * domain): only where both are known does an output take the place of an input.
   */
  describe(name: string, type: TensorType, shape: SymbolicShape): void {
    this.#mustExist(name);
    this.#described.push(valueInfo(name, type, shape));
  }

  /** The encoded model. `opset` is the version of the ONNX operator set (at most 21). */
  build(opset = 21): Uint8Array {
    const model = new ProtobufWriter().int(1, 10).string(2, 'haetae').message(7, this.encode());
    model.message(8, new ProtobufWriter().string(1, '').int(2, opset));
    for (const domain of this.#domains) {
      model.message(8, new ProtobufWriter().string(1, domain).int(2, 1));
    }
    return model.finish();
  }

  /** The graph alone, as an attribute holds it. */
  encode(): ProtobufWriter {
    const graph = new ProtobufWriter();
    for (const node of this.#nodes) {
      graph.message(1, node);
    }
    graph.string(2, this.name);
    for (const initializer of this.#initializers) {
      graph.message(5, initializer);
    }
    for (const input of this.#inputs) {
      graph.message(11, input);
    }
    for (const output of this.#outputs) {
      graph.message(12, output);
    }
    for (const description of this.#described) {
      graph.message(13, description);
    }
    return graph;
  }

  /** Unique in all graphs of a model: a subgraph may not define a name its outer graph has. */
  #freshName(operator: string): string {
    return this.#outer ? this.#outer.#freshName(operator) : `${operator}_${this.#fresh++}`;
  }

  #has(name: string): boolean {
    const outer = this.#outer;
    return this.#defined.has(name) || (outer ? outer.#has(name) : false);
  }

  #define(name: string): string {
    if (name === '' || this.#has(name)) {
      throw new Error(`ONNX graph ${this.name}: the name "${name}" is empty or defined twice`);
    }
    this.#defined.add(name);
    return name;
  }

  #mustExist(name: string): void {
    if (!this.#has(name)) {
      throw new Error(`ONNX graph ${this.name}: "${name}" is used before it is defined`);
    }
  }
}

function tensor(name: string, type: TensorType, shape: readonly number[]): ProtobufWriter {
  const proto = new ProtobufWriter();
  for (const size of shape) {
    proto.int(1, size);
  }
  return proto.int(2, tensorTypes[type].onnx).string(8, name);
}

function valueInfo(name: string, type: TensorType, shape: SymbolicShape): ProtobufWriter {
  const dimensions = new ProtobufWriter();
  for (const size of shape) {
    const dimension = new ProtobufWriter();
    dimensions.message(1, typeof size === 'number' ? dimension.int(1, size) : dimension.string(2, size));
  }
  const tensorTypeProto = new ProtobufWriter().int(1, tensorTypes[type].onnx).message(2, dimensions);
  return new ProtobufWriter().string(1, name).message(2, new ProtobufWriter().message(1, tensorTypeProto));
}

function attribute(name: string, value: AttributeValue): ProtobufWriter {
  const proto = new ProtobufWriter().string(1, name);
  if (typeof value === 'number') {
    return proto.int(3, value).int(20, attributeKind.int);
  }
  if (typeof value === 'string') {
    return proto.string(4, value).int(20, attributeKind.string);
  }
  if ('float' in value) {
    return proto.float(2, value.float).int(20, attributeKind.float);
  }
  if ('graph' in value) {
    return proto.message(6, value.graph.encode()).int(20, attributeKind.graph);
  }
  if ('floats' in value) {
    for (const item of value.floats) {
      proto.float(7, item);
    }
    return proto.int(20, attributeKind.floats);
  }
  for (const item of value) {
    proto.int(8, item);
  }
  return proto.int(20, attributeKind.ints);
}

function checkByteLength(name: string, type: TensorType, shape: readonly number[], byteLength: number): void {
  const expected = elementCount(shape) * tensorTypes[type].bytes;
  if (byteLength !== expected) {
    throw new Error(
      `initializer ${name}: ${type} [${shape.join(', ')}] takes ${expected} bytes, got ${byteLength}`,
    );
  }
}
