/** A value of the graph: an input, a constant, or the output of a node. Its shape is known when the graph is built. */
export type ElementType = 'float32' | 'int64' | 'int32' | 'bool';

export interface Variable {
  /** Unique within its tape. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: ElementType;
  /** Whether the loss may be differentiated by it. */
  readonly requiresGrad: boolean;
  /** The elements of a constant int64 list, as shapes, axes and bounds are given. */
  readonly values?: readonly number[];
}

/**
 * What a rule gives for one input: its gradient, or a function that adds the gradient to what is there already
 * (null: nothing yet), for those that would otherwise be made dense first.
 */
export type Gradient = Variable | ((sum: Variable | null) => Variable);
