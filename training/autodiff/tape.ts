/**
 * Builds the forward part of a training graph and remembers how to go back.
 *
 * Nodes are those of ONNX, each known to the operator table with its shape inference and, where it has one, its
 * gradient. While the forward part is built, every node that a parameter flows into is recorded; `gradients`
 * (gradients.ts) walks the records backwards and adds the nodes of the backward part to the same graph. A block is a
 * part whose backward is written by hand: its forward nodes are not recorded one by one.
 */
import { elementCount } from '../../shared/onnx/tensor-type.js';
import type { Attributes, GradientRule, Inputs, TapeNode } from './operator.js';
import { operatorTable } from './operator-table.js';
import { formatShape } from './shape.js';
import type { ElementType, Gradient, Variable } from './variable.js';

/** `runtime`: operators of ONNX Runtime only; `haetae`: also those of our addon, which need its sessions. */
export type TrainingKernels = 'runtime' | 'haetae';

/**
 * How float32 matrices are multiplied, in PyTorch's words: `highest` in float32; `high` as sums of two bfloat16
 * (three products); `medium` as bfloat16, added up in float32. The latter two need our kernels.
 */
export const matmulPrecisions = ['highest', 'high', 'medium'] as const;
export type MatmulPrecision = (typeof matmulPrecisions)[number];

export interface TapeOptions {
  /** Default: `runtime`. */
  kernels?: TrainingKernels;
  /** Default: `highest`. */
  matmulPrecision?: MatmulPrecision;
}

export type ConstantData = Float32Array | BigInt64Array | Int32Array | Uint8Array;

export interface Constant {
  readonly variable: Variable;
  readonly data: ConstantData;
}

/** A step of the forward part that gradients can pass. */
export interface TapeRecord {
  readonly node: TapeNode;
  readonly rule: GradientRule | undefined;
}

export class Tape {
  readonly name: string;
  readonly kernels: TrainingKernels;
  readonly matmulPrecision: MatmulPrecision;
  /** In the order they were declared. */
  readonly inputs: Variable[] = [];
  readonly constants: Constant[] = [];
  /** In an order of computation. */
  readonly nodes: TapeNode[] = [];
  readonly records: TapeRecord[] = [];
  readonly #names = new Set<string>();
  readonly #shared = new Map<string, Variable>();
  #isRecording = true;
  #fresh = 0;

  constructor(name: string, options: TapeOptions = {}) {
    this.name = name;
    this.kernels = options.kernels ?? 'runtime';
    this.matmulPrecision = options.matmulPrecision ?? 'highest';
    if (this.matmulPrecision !== 'highest' && this.kernels !== 'haetae') {
      throw new RangeError(`matmul precision ${this.matmulPrecision} needs the kernels "haetae"`);
    }
  }

  /** A value fed at each run, without a gradient. */
  input(name: string, shape: readonly number[], type: ElementType = 'float32'): Variable {
    return this.#declare({ name: this.#define(name), shape, type, requiresGrad: false });
  }

  /** A float32 tensor fed at each run, to be differentiated by. */
  parameter(name: string, shape: readonly number[]): Variable {
    return this.#declare({ name: this.#define(name), shape, type: 'float32', requiresGrad: true });
  }

  /** A value stored in the model: for small ones. */
  constant(shape: readonly number[], data: ConstantData): Variable {
    if (elementCount(shape) !== data.length) {
      throw new RangeError(`a constant ${formatShape(shape)} of ${data.length} elements`);
    }
    const variable = {
      name: this.#freshName('constant'),
      shape,
      type: elementTypeOf(data),
      requiresGrad: false,
    };
    this.constants.push({ variable, data });
    return variable;
  }

  /** A float32 scalar. */
  scalar(value: number): Variable {
    return this.#once(`scalar ${value}`, () => this.constant([], Float32Array.of(value)));
  }

  /** An int64 list `[n]`, as shapes and axes are given to operators. */
  integers(values: readonly number[]): Variable {
    return this.#once(`integers ${values.join(' ')}`, () => {
      const variable = { ...this.constant([values.length], BigInt64Array.from(values, BigInt)), values };
      return variable;
    });
  }

  /**
   * Adds a node of the operator table and returns its outputs (those left out are missing).
   * @throws ShapeError where the inputs do not fit, Error where the operator is unknown or needs other kernels
   */
  node(operator: string, inputs: Inputs, attributes: Attributes = {}): Variable[] {
    const known = operatorTable.get(operator);
    if (!known) {
      throw new Error(
        `the operator table has no ${operator}: add it with its shapes and, if it has one, its gradient`,
      );
    }
    if (known.domain === 'haetae' && this.kernels !== 'haetae') {
      throw new Error(
        `operator ${operator} is one of our addon, and ${this.name} is built for ONNX Runtime's`,
      );
    }
    const flows = this.#isRecording && inputs.some((input) => input?.requiresGrad);
    const outputs = known.infer(inputs, attributes).map((type) => ({
      name: type ? this.#freshName(operator) : '',
      shape: type?.shape ?? [],
      type: type?.type ?? 'float32',
      requiresGrad: flows && type?.type === 'float32',
    }));
    const node = { operator, inputs, outputs, attributes };
    this.nodes.push(node);
    if (flows) this.records.push({ node, rule: known.gradient });
    return outputs.filter(({ name }) => name !== '');
  }

  /**
   * A part with a gradient of its own. `forward` makes one output from the inputs; `backward` gives, for the
   * gradient of that output, one gradient (or null) for each input.
   */
  block(
    name: string,
    inputs: Inputs,
    forward: () => Variable,
    backward: (dOutput: Variable) => readonly (Gradient | null)[],
  ): Variable {
    const flows = this.#isRecording && inputs.some((input) => input?.requiresGrad);
    const output = { ...this.withoutGradient(forward), requiresGrad: flows };
    if (flows) {
      const node = { operator: name, inputs, outputs: [output], attributes: {} };
      this.records.push({ node, rule: (_tape, _node, [dOutput]) => backward(dOutput!) });
    }
    return output;
  }

  /** What `work` adds is not recorded: for a frozen teacher, and for the backward part itself. */
  withoutGradient<T>(work: () => T): T {
    const before = this.#isRecording;
    this.#isRecording = false;
    try {
      return work();
    } finally {
      this.#isRecording = before;
    }
  }

  #declare(variable: Variable): Variable {
    this.inputs.push(variable);
    return variable;
  }

  #once(key: string, make: () => Variable): Variable {
    const found = this.#shared.get(key) ?? make();
    this.#shared.set(key, found);
    return found;
  }

  #define(name: string): string {
    if (name === '' || this.#names.has(name)) {
      throw new Error(`${this.name}: the name "${name}" is empty or taken`);
    }
    this.#names.add(name);
    return name;
  }

  #freshName(stem: string): string {
    let name: string;
    do {
      name = `${stem}_${this.#fresh++}`;
    } while (this.#names.has(name));
    return this.#define(name);
  }
}

function elementTypeOf(data: ConstantData): ElementType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof BigInt64Array) return 'int64';
  return data instanceof Int32Array ? 'int32' : 'bool';
}
