/**
 * Any loss of a run file over the hidden states of a model: the one place that knows which block a name stands for.
 *
 * Beside `labels` and `weights`, DistiLLM-2 in the form `paper` reads the inputs `pair_means` [pairs, T] and
 * `pair_window` [2], which this declares; `PairObjective` feeds them.
 */
import type { Tape } from '../autodiff/tape.js';
import type { Variable } from '../autodiff/variable.js';
import { linearCrossEntropy } from '../blocks/linear-cross-entropy.js';
import { linearDivergence, type TeacherLogits } from '../blocks/linear-divergence.js';
import { distillm2 } from './distillm2.js';
import type { ResolvedLoss } from './loss-config.js';

export interface ObjectiveInputs {
  /** [T, D], after the last norm. */
  hidden: Variable;
  /** [V, D] */
  head: Variable;
  /** int64 [T] */
  labels: Variable;
  /** float32 [T, 1]; they sum to 1 over an optimizer step (DistiLLM-2: to 2, see `distillm2Weights`). */
  weights: Variable;
  /** Of all losses but cross_entropy. */
  teacher?: TeacherLogits;
  /** Pairs in a batch; DistiLLM-2 only. */
  pairs?: number;
  /** Most tokens whose logits exist together. Default 256. */
  chunk?: number;
}

export interface Objective {
  /** A scalar. */
  loss: Variable;
  metrics: Record<string, Variable>;
}

/** @throws Error where the loss needs a teacher or pairs and there are none */
export function addObjective(tape: Tape, loss: ResolvedLoss, inputs: ObjectiveInputs): Objective {
  const { hidden, head, labels, weights, teacher, pairs } = inputs;
  const options = inputs.chunk === undefined ? {} : { chunk: inputs.chunk };
  if (loss.name === 'cross_entropy') {
    return { loss: linearCrossEntropy(tape, hidden, head, labels, weights, options), metrics: {} };
  }
  if (!teacher) throw new Error(`the loss ${loss.name} needs a teacher`);
  if (loss.name !== 'distillm2') {
    const how = { kind: loss.name, ...options };
    return { loss: linearDivergence(tape, hidden, head, teacher, weights, loss.alpha, how), metrics: {} };
  }
  if (loss.form === 'released') {
    return distillm2(tape, loss, { hidden, head, teacher, labels, weights }, options);
  }
  if (pairs === undefined) throw new Error('the loss distillm2 needs the number of pairs in a batch');
  const means = tape.input('pair_means', [pairs, hidden.shape[0]!]);
  const window = tape.input('pair_window', [2]);
  return distillm2(tape, loss, { hidden, head, teacher, labels, weights, means, window }, options);
}
