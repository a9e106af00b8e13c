/** Which nodes of a tape are needed, and how much memory their values take while they run. */
import { elementCount, tensorTypes } from '../../shared/onnx/tensor-type.js';
import type { TapeNode } from './operator.js';
import type { Tape } from './tape.js';
import type { Variable } from './variable.js';

/** Operators whose output is the memory of their first input. */
const views = new Set(['Reshape', 'Identity']);

/** The nodes that these values depend on, in the order of the tape. */
export function liveNodes(tape: Tape, outputs: readonly Variable[]): TapeNode[] {
  const needed = new Set(outputs.map(({ name }) => name));
  const live: TapeNode[] = [];
  for (const node of tape.nodes.toReversed()) {
    if (!node.outputs.some(({ name }) => needed.has(name))) continue;
    live.push(node);
    for (const input of node.inputs) if (input) needed.add(input.name);
  }
  return live.reverse();
}

/**
 * Bytes of all values that are alive at the worst moment when the nodes run in this order and a value is given back
 * after its last use. `kept` values (outputs, written elsewhere) are not counted. ONNX Runtime may choose another order
 * and rounds its arena up, so this is an estimate.
 */
export function peakBytes(nodes: readonly TapeNode[], kept: readonly Variable[]): number {
  const owner = new Map<string, string>();
  const ownerOf = (name: string) => owner.get(name) ?? name;
  const lastUse = new Map<string, number>();
  for (const [i, { operator, inputs, outputs }] of nodes.entries()) {
    for (const input of inputs) if (input) lastUse.set(ownerOf(input.name), i);
    for (const { name } of outputs) {
      if (views.has(operator)) owner.set(name, ownerOf(inputs[0]!.name));
      else lastUse.set(name, i);
    }
  }
  const free = new Map<number, number>();
  const elsewhere = new Set(kept.map(({ name }) => ownerOf(name)));
  let bytes = 0;
  let peak = 0;
  for (const [i, { operator, outputs }] of nodes.entries()) {
    for (const output of views.has(operator) ? [] : outputs) {
      if (output.name === '' || elsewhere.has(output.name)) continue;
      const size = elementCount(output.shape) * tensorTypes[output.type].bytes;
      const at = lastUse.get(output.name) ?? i;
      bytes += size;
      free.set(at, (free.get(at) ?? 0) + size);
    }
    peak = Math.max(peak, bytes);
    bytes -= free.get(i) ?? 0;
  }
  return peak;
}
