/** What the training loop knows of the thing it trains: a step, an evaluation, and state that can be kept. */
import type { NamedTensor } from '../../shared/onnx/safetensors.js';

export interface StepReport {
  /** Mean loss of the step, over all its micro-batches. */
  loss: number;
  /** Of the whole gradient, before clipping. */
  gradNorm: number;
  learningRate: number;
  /** Tokens read by the step, padding aside. */
  tokens: number;
  /** Passes over the training data so far, with fractions. */
  epoch: number;
  /** What the step learnt from, for messages: ids of its documents. */
  documents: readonly string[];
  /** Parameters whose gradients hold NaN or infinity. */
  nonFinite?: readonly string[];
  /** Further figures, by name; they become fields of the metrics and curves. */
  extra?: Readonly<Record<string, number>>;
}

export interface ValidationReport {
  loss: number;
  /** Tokens that the loss is a mean over. */
  tokens: number;
  extra?: Readonly<Record<string, number>>;
}

/** JSON that a checkpoint holds. */
export type TaskState = Readonly<Record<string, unknown>>;

export interface TrainingTask {
  readonly totalSteps: number;
  /**
   * Makes step number `step`, counted from 1. Where loss or gradient are not finite the parameters are left as they
   * were, and the report says so by its figures: the loop stops on them.
   */
  step(step: number): Promise<StepReport>;
  /** Measures the validation data; null where there are none. */
  evaluate(): Promise<ValidationReport | null>;
  /** Parameters and optimizer moments, as views: they are written before the next step. */
  tensors(): readonly NamedTensor[];
  /** Everything else that the next step depends on: optimizer step count, position in the data, …. */
  state(): TaskState;
  /** Takes up what `tensors` and `state` gave; `read` fills the data of a tensor that `tensors` names. */
  restore(state: TaskState, read: (tensor: NamedTensor) => Promise<void>): Promise<void>;
}
