/**
 * Reverse-mode differentiation: walks a tape backwards and adds the nodes that compute the gradients.
 */
import { add, expand } from './expressions.js';
import { formatShape, isSameShape, ShapeError } from './shape.js';
import type { Tape } from './tape.js';
import type { Gradient, Variable } from './variable.js';

/**
 * The gradient of a scalar by each of these variables, which may also lie between the parameters and the loss.
 * @param seed the gradient of the loss itself, a scalar; default 1
 * @throws ShapeError where the loss is no scalar; Error where an operator on the way has no rule, or no gradient
 * arrives at a variable
 */
export function gradients(
  tape: Tape,
  loss: Variable,
  variables: readonly Variable[],
  seed = tape.scalar(1),
): Variable[] {
  if (loss.shape.length > 0) throw new ShapeError('gradients', [loss], 'the loss must be a scalar');
  const sums = new Map<string, Variable>([[loss.name, expand(tape, seed, loss.shape)]]);
  const wanted = new Set(variables.map(({ name }) => name));
  tape.withoutGradient(() => {
    for (const { node, rule } of tape.records.toReversed()) {
      const dOutputs = node.outputs.map(({ name }) => sums.get(name) ?? null);
      if (dOutputs.every((d) => d === null)) continue;
      if (!rule)
        throw new Error(`operator ${node.operator} has no gradient rule, and a gradient has to pass it`);
      const found = rule(tape, node, dOutputs);
      for (const [i, input] of node.inputs.entries()) {
        const gradient = found[i];
        if (input?.requiresGrad && gradient) accumulate(tape, sums, node.operator, input, gradient);
      }
      // Nothing above this node needs the gradients of its outputs again.
      for (const { name } of node.outputs) if (!wanted.has(name)) sums.delete(name);
    }
  });
  return variables.map(({ name }) => {
    const sum = sums.get(name);
    if (!sum) throw new Error(`no gradient arrives at ${name}: the loss does not depend on it`);
    return sum;
  });
}

function accumulate(
  tape: Tape,
  sums: Map<string, Variable>,
  operator: string,
  input: Variable,
  gradient: Gradient,
): void {
  const before = sums.get(input.name) ?? null;
  const given = typeof gradient === 'function' ? gradient(before) : gradient;
  if (!isSameShape(given.shape, input.shape)) {
    const reason = `its rule gives a gradient ${formatShape(given.shape)} for ${input.name} ${formatShape(input.shape)}`;
    throw new ShapeError(operator, [input], reason);
  }
  const isSum = before === null || typeof gradient === 'function';
  sums.set(input.name, isSum ? given : add(tape, before, given));
}
