/**
 * What the tape knows of an operator: where it comes from, what shapes it makes, and its gradient.
 *
 * An operator without a gradient rule may stand in a graph, but no gradient may have to pass through it: that is an
 * error when gradients are asked for, never a silent zero.
 */
import type { AttributeValue } from '../../shared/onnx/onnx-model.js';
import type { Tape } from './tape.js';
import type { ElementType, Gradient, Variable } from './variable.js';

export type Attributes = Readonly<Record<string, AttributeValue>>;
export type Inputs = readonly (Variable | null)[];

export interface OutputType {
  shape: readonly number[];
  type: ElementType;
}

export interface TapeNode {
  readonly operator: string;
  readonly inputs: Inputs;
  readonly outputs: readonly Variable[];
  readonly attributes: Attributes;
}

/** One gradient for each input; null where there is none. `dOutputs` has null where no gradient arrives. */
export type GradientRule = (
  tape: Tape,
  node: TapeNode,
  dOutputs: readonly (Variable | null)[],
) => readonly (Gradient | null)[];

export interface Operator {
  /** Its name in ONNX, where that is not the key in the table. */
  type?: string;
  /** Default '': ONNX itself. */
  domain?: 'com.microsoft' | 'haetae';
  /**
   * Types of the outputs; null leaves an optional output out.
   * @throws ShapeError where the inputs do not fit
   */
  infer(inputs: Inputs, attributes: Attributes): readonly (OutputType | null)[];
  gradient?: GradientRule;
}

export type OperatorTable = Readonly<Record<string, Operator>>;
