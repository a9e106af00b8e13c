import { readFileSync } from 'node:fs';
import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import {
  gatherLast,
  gemm,
  logSoftmax,
  mul,
  neg,
  reshape,
  sumAll,
} from '../../../training/autodiff/expressions.js';
import { checkGradients } from '../../../training/autodiff/gradient-check.js';
import { Tape } from '../../../training/autodiff/tape.js';
import {
  headLogits,
  labelLogProbs,
  linearCrossEntropy,
} from '../../../training/blocks/linear-cross-entropy.js';
import { difference, floats, integers, kernelSets, runGraph } from '../losses/run-graph.js';

interface Reference {
  crossEntropy: {
    tokens: number;
    dimension: number;
    vocab: number;
    hidden: number[];
    head: number[];
    labels: number[];
    weights: number[];
    loss: number;
    dHidden: number[];
    dHead: number[];
  }[];
}
const reference = JSON.parse(
  readFileSync(new URL('../../reference/training/losses.json', import.meta.url), 'utf8'),
) as Reference;

const [tokens, dimension, vocab] = [64, 8, 500];
const random = seededRandom(5);
const uniform = (count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1);
const feeds = {
  labels: integers(
    Array.from({ length: tokens }, () => Math.floor(random() * vocab)),
    tokens,
  ),
  weights: floats(
    Array.from({ length: tokens }, (_, i) => (i % 3 === 0 ? 0 : 1 / tokens)),
    tokens,
    1,
  ),
};
const values = { hidden: uniform(tokens * dimension), head: uniform(vocab * dimension) };
const fed = {
  ...feeds,
  hidden: floats(values.hidden, tokens, dimension),
  head: floats(values.head, vocab, dimension),
};

const declare = (tape: Tape) => ({
  hidden: tape.parameter('hidden', [tokens, dimension]),
  head: tape.parameter('head', [vocab, dimension]),
  labels: tape.input('labels', [tokens], 'int64'),
  weights: tape.input('weights', [tokens, 1]),
});

for (const kernels of kernelSets) {
  t.test(
    `${kernels}: loss and both gradients are PyTorch's, underflowing probabilities included`,
    async (t) => {
      for (const it of reference.crossEntropy) {
        const run = await runGraph(
          (tape) => {
            const hidden = tape.parameter('hidden', [it.tokens, it.dimension]);
            const head = tape.parameter('head', [it.vocab, it.dimension]);
            const labels = tape.input('labels', [it.tokens], 'int64');
            const weights = tape.input('weights', [it.tokens, 1]);
            const loss = linearCrossEntropy(tape, hidden, head, labels, weights, { chunk: 4 });
            return { loss, parameters: [hidden, head] };
          },
          {
            hidden: floats(it.hidden, it.tokens, it.dimension),
            head: floats(it.head, it.vocab, it.dimension),
            labels: integers(it.labels, it.tokens),
            weights: floats(it.weights, it.tokens, 1),
          },
          { kernels },
        );
        // Logits of 1000 have 6e-5 in their last digit.
        t.ok(difference([run.loss], [it.loss]) < 1e-6, `${run.loss}, not ${it.loss}`);
        t.ok(difference(run.gradients.get('hidden')!, it.dHidden) < 1e-5);
        t.ok(difference(run.gradients.get('head')!, it.dHead) < 1e-5);
      }
    },
  );

  t.test(`${kernels}: the block is its primitives, whatever the chunk`, async (t) => {
    const plain = await runGraph((tape) => {
      const { hidden, head, labels, weights } = declare(tape);
      const logProbs = logSoftmax(tape, gemm(tape, hidden, head, { transB: true }));
      const chosen = gatherLast(tape, logProbs, reshape(tape, labels, [tokens, 1]));
      return { loss: neg(tape, sumAll(tape, mul(tape, chosen, weights))), parameters: [hidden, head] };
    }, fed);
    for (const chunk of [64, 17, 1]) {
      const run = await runGraph(
        (tape) => {
          const { hidden, head, labels, weights } = declare(tape);
          const loss = linearCrossEntropy(tape, hidden, head, labels, weights, { chunk });
          return { loss, parameters: [hidden, head] };
        },
        fed,
        { kernels },
      );
      t.ok(difference([run.loss], [plain.loss]) < 1e-6, `chunk ${chunk}`);
      for (const [name, gradient] of plain.gradients) {
        t.ok(difference(run.gradients.get(name)!, gradient) < 1e-5, `${name}, chunk ${chunk}`);
      }
      const logitsBytes = 4 * tokens * vocab;
      if (chunk < 64) t.ok(run.peakBytes < logitsBytes, `${run.peakBytes} bytes, chunk ${chunk}`);
    }
  });

  t.test(`${kernels}: gradients agree with finite differences`, async (t) => {
    const { worst, worstParameter } = await checkGradients(
      (tape) => {
        const { hidden, head, labels, weights } = declare(tape);
        const loss = linearCrossEntropy(tape, hidden, head, labels, weights, { chunk: 40 });
        return { loss, parameters: [hidden, head] };
      },
      { values: new Map(Object.entries(values)), feeds, kernels },
    );
    t.ok(worst < 1e-3, `${worst} at ${worstParameter}`);
  });

  t.test(`${kernels}: log-probabilities of labels are those the loss is made of`, async (t) => {
    const run = await runGraph(
      (tape) => {
        const { hidden, head, labels, weights } = declare(tape);
        const logProbs = labelLogProbs(tape, headLogits(tape, hidden, head), labels, 20);
        const loss = linearCrossEntropy(tape, hidden, head, labels, weights);
        return { loss, metrics: { logProbs }, parameters: [] };
      },
      fed,
      { kernels },
    );
    const { data, shape } = run.metrics.logProbs!;
    t.same(shape, [tokens, 1]);
    let sum = 0;
    for (let i = 0; i < tokens; i++) sum -= Number(data[i]) * feeds.weights.data[i]!;
    t.ok(difference([sum], [run.loss]) < 1e-6);
  });
}

t.test('a tied table gets the gradients of the head and of the look-up', async (t) => {
  const ids = integers([3, 1, 3, 0], 4);
  const { worst } = await checkGradients(
    (tape) => {
      const table = tape.parameter('table', [6, 3]);
      const hidden = tape.node('Gather', [table, tape.input('ids', [4], 'int64')], { axis: 0 })[0]!;
      const labels = tape.input('labels', [4], 'int64');
      const weights = tape.input('weights', [4, 1]);
      return {
        loss: linearCrossEntropy(tape, hidden, table, labels, weights, { chunk: 3 }),
        parameters: [table],
      };
    },
    {
      values: new Map([['table', values.head.slice(0, 18)]]),
      feeds: { ids, labels: integers([1, 3, 0, 5], 4), weights: floats([0.25, 0.25, 0.25, 0.25], 4, 1) },
    },
  );
  t.ok(worst < 1e-3, `${worst}`);
});

t.test('labels and weights of another length are errors', (t) => {
  const tape = new Tape('test');
  const { hidden, head, labels, weights } = declare(tape);
  const few = tape.input('few', [3], 'int64');
  t.throws(() => linearCrossEntropy(tape, hidden, head, few, weights), /labels must be \[64\]/);
  t.throws(() => linearCrossEntropy(tape, hidden, head, labels, hidden), /weights must be \[64, 1\]/);
  t.throws(() => linearCrossEntropy(tape, hidden, head, labels, weights, { chunk: 1.5 }), RangeError);
  t.end();
});
