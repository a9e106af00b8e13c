import { readFileSync } from 'node:fs';
import t from 'tap';
import { Tape } from '../../../training/autodiff/tape.js';
import { buildTrainingGraph, openTrainingGraph } from '../../../training/autodiff/training-graph.js';
import { linearCrossEntropy } from '../../../training/blocks/linear-cross-entropy.js';
import { kernelSets } from './run-graph.js';

/** The most memory this process ever had, in MB. */
const peak = () => {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)![1]) / 1024;
};

// A file of its own, since a peak does not go down again.
t.test('logits of one chunk exist, not of the batch', { skip: process.platform !== 'linux' }, async (t) => {
  const [tokens, dimension, vocab, chunk] = [2048, 16, 32_000, 64];
  const logitsMb = (4 * tokens * vocab) / 2 ** 20; // 250
  const tape = new Tape('memory', { kernels: kernelSets.at(-1)! });
  const hidden = tape.parameter('hidden', [tokens, dimension]);
  const head = tape.parameter('head', [vocab, dimension]);
  const labels = tape.input('labels', [tokens], 'int64');
  const weights = tape.input('weights', [tokens, 1]);
  const loss = linearCrossEntropy(tape, hidden, head, labels, weights, { chunk });
  const graph = buildTrainingGraph(tape, { loss, parameters: [hidden, head] });
  const session = await openTrainingGraph(graph, { threads: 1 });
  t.teardown(() => session.close());
  const filled = (...shape: number[]) => {
    const count = shape.reduce((product, n) => product * n, 1);
    return { type: 'float32' as const, shape, data: new Float32Array(count).fill(0.1) };
  };
  const feeds = {
    hidden: filled(tokens, dimension),
    head: filled(vocab, dimension),
    weights: filled(tokens, 1),
    labels: { type: 'int64' as const, shape: [tokens], data: new BigInt64Array(tokens) },
  };
  const gradients = new Map([
    ['hidden', new Float32Array(tokens * dimension).fill(1)],
    ['head', new Float32Array(vocab * dimension).fill(1)],
  ]);
  const before = peak();
  await session.run(feeds, gradients);
  const grown = peak() - before;
  t.ok(grown < logitsMb / 2, `${grown.toFixed(0)} MB, all logits are ${logitsMb.toFixed(0)}`);
});
