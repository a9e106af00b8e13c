import { readFileSync } from 'node:fs';
import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import { mul, slice } from '../../../training/autodiff/expressions.js';
import { checkGradients } from '../../../training/autodiff/gradient-check.js';
import { ShapeError } from '../../../training/autodiff/shape.js';
import { Tape } from '../../../training/autodiff/tape.js';
import { linearDivergence, linearDivergences } from '../../../training/blocks/linear-divergence.js';
import { type DivergenceKind, divergenceKinds } from '../../../training/losses/divergence-kind.js';
import {
  difference,
  floats,
  identity,
  kernelSets,
  largestDifference,
  runGraph,
} from '../losses/run-graph.js';

interface Reference {
  divergence: {
    scale: number;
    tokens: number;
    vocab: number;
    student: number[];
    teacher: number[];
    weights: number[];
    alpha: number[];
    results: { kind: DivergenceKind; detached: boolean; loss: number; dLogits: number[] }[];
  }[];
}
const reference = JSON.parse(
  readFileSync(new URL('../../reference/training/losses.json', import.meta.url), 'utf8'),
) as Reference;

const normal = (seed: number, count: number, scale = 1) => {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => scale * (random() + random() + random() - 1.5));
};

const variants = [
  ...divergenceKinds.map((kind) => ({ kind, detached: false })),
  { kind: 'skew_reverse_kl' as const, detached: true },
];
const label = ({ kind, detached }: { kind: string; detached: boolean }) =>
  detached ? `${kind} detached` : kind;

for (const kernels of kernelSets) {
  t.test(
    `${kernels}: every divergence and its gradient are PyTorch's, extreme logits included`,
    async (t) => {
      for (const {
        scale,
        tokens,
        vocab,
        student,
        teacher,
        weights,
        alpha,
        results,
      } of reference.divergence) {
        for (const { kind, detached, loss, dLogits } of results) {
          // A head that is the identity makes hidden states logits.
          const run = await runGraph(
            (tape) => {
              const hidden = tape.parameter('hidden', [tokens, vocab]);
              const given = tape.input('teacher', [tokens, vocab]);
              const value = linearDivergence(
                tape,
                hidden,
                tape.input('head', [vocab, vocab]),
                (from, to) => slice(tape, given, 0, from, to),
                tape.input('weights', [tokens, 1]),
                tape.input('alpha', [tokens, 1]),
                { kind, detached, chunk: 2 },
              );
              return { loss: value, parameters: [hidden] };
            },
            {
              hidden: floats(student, tokens, vocab),
              teacher: floats(teacher, tokens, vocab),
              head: identity(vocab),
              weights: floats(weights, tokens, 1),
              alpha: floats(alpha, tokens, 1),
            },
            { kernels },
          );
          const what = `${label({ kind, detached })}, logits of scale ${scale}`;
          t.ok(difference([run.loss], [loss]) < 2e-6, `${what}: ${run.loss}, not ${loss}`);
          // q (g − Σ q g) cancels where q is near 1, down to the last digit of a logit: 1e-7 · scale.
          const error = largestDifference(run.gradients.get('hidden')!, dLogits);
          const allowed = 5e-6 * Math.max(...dLogits.map(Math.abs)) + 2e-7 * scale;
          t.ok(error < allowed, `gradient of ${what}: ${error} of ${allowed}`);
        }
      }
    },
  );

  t.test(`${kernels}: where p = q, skew divergences and their gradients are 0`, async (t) => {
    const [tokens, vocab] = [4, 50];
    const logits = floats(normal(3, tokens * vocab, 8), tokens, vocab);
    for (const { kind, detached } of variants) {
      const run = await runGraph(
        (tape) => {
          const hidden = tape.parameter('hidden', [tokens, vocab]);
          const given = tape.input('teacher', [tokens, vocab]);
          const weights = tape.input('weights', [tokens, 1]);
          const teacher = (from: number, to: number) => slice(tape, given, 0, from, to);
          const head = tape.input('head', [vocab, vocab]);
          const how = { kind, detached };
          return {
            loss: linearDivergence(tape, hidden, head, teacher, weights, 0.1, how),
            parameters: [hidden],
          };
        },
        { hidden: logits, teacher: logits, head: identity(vocab), weights: floats([1, 1, 1, 1], 4, 1) },
        { kernels },
      );
      t.ok(Math.abs(run.loss) < 1e-6, `${label({ kind, detached })}: ${run.loss}`);
      const largest = Math.max(...run.gradients.get('hidden')!.map(Math.abs));
      t.ok(largest < 1e-6, `gradient of ${label({ kind, detached })}: ${largest}`);
    }
  });

  t.test(`${kernels}: gradients of hidden states and head agree with finite differences`, async (t) => {
    const [tokens, dimension, vocab] = [5, 4, 17];
    const feeds = {
      teacher: floats(normal(11, tokens * vocab, 3), tokens, vocab),
      weights: floats([0.3, 0, 0.2, 0.4, 0.1], tokens, 1),
      alpha: floats([0.1, 0.1, 0.02, 0.4, 0.7], tokens, 1),
    };
    const values = new Map([
      ['hidden', normal(12, tokens * dimension, 2)],
      ['head', normal(13, vocab * dimension)],
    ]);
    for (const { kind, detached } of variants.filter((variant) => !variant.detached)) {
      const { worst, worstParameter } = await checkGradients(
        (tape) => {
          const hidden = tape.parameter('hidden', [tokens, dimension]);
          const head = tape.parameter('head', [vocab, dimension]);
          const given = tape.input('teacher', [tokens, vocab]);
          const weights = tape.input('weights', [tokens, 1]);
          const alpha = tape.input('alpha', [tokens, 1]);
          const teacher = (from: number, to: number) => slice(tape, given, 0, from, to);
          const how = { kind, detached, chunk: 2 };
          const loss = linearDivergence(tape, hidden, head, teacher, weights, alpha, how);
          return { loss, parameters: [hidden, head] };
        },
        { values, feeds, kernels },
      );
      t.ok(worst < 1e-3, `${label({ kind, detached })}: ${worst} at ${worstParameter}`);
    }
  });

  t.test(`${kernels}: the size of a chunk changes nothing but memory`, async (t) => {
    const [tokens, dimension, vocab] = [64, 8, 500];
    const runs = [];
    for (const chunk of [64, 7, 1]) {
      const run = await runGraph(
        (tape) => {
          const hidden = tape.parameter('hidden', [tokens, dimension]);
          const head = tape.parameter('head', [vocab, dimension]);
          const given = tape.input('teacher', [tokens, vocab]);
          const teacher = (from: number, to: number) => slice(tape, given, 0, from, to);
          const weights = tape.input('weights', [tokens, 1]);
          const parts = [
            { from: 0, to: 32, kind: 'skew_forward_kl' },
            { from: 32, to: tokens, kind: 'skew_reverse_kl', detached: true },
          ] as const;
          const loss = linearDivergences(tape, hidden, head, teacher, weights, 0.1, parts, { chunk });
          return { loss, parameters: [hidden, head] };
        },
        {
          hidden: floats(normal(1, tokens * dimension), tokens, dimension),
          head: floats(normal(2, vocab * dimension), vocab, dimension),
          teacher: floats(normal(3, tokens * vocab, 3), tokens, vocab),
          weights: floats(new Array<number>(tokens).fill(1 / tokens), tokens, 1),
        },
        { kernels },
      );
      runs.push(run);
    }
    const [whole, ...chunked] = runs;
    for (const run of chunked) {
      t.ok(difference([run.loss], [whole!.loss]) < 1e-6);
      for (const [name, gradient] of whole!.gradients) {
        t.ok(difference(run.gradients.get(name)!, gradient) < 1e-5, name);
      }
      t.ok(run.peakBytes < whole!.peakBytes / 2, `${run.peakBytes} of ${whole!.peakBytes} bytes`);
    }
  });
}

t.test('a loss that is multiplied multiplies its gradient, and one that is not costs no node', async (t) => {
  const build = (factor: number | null) => (tape: Tape) => {
    const hidden = tape.parameter('hidden', [2, 3]);
    const given = tape.input('teacher', [2, 5]);
    const teacher = (from: number, to: number) => slice(tape, given, 0, from, to);
    const head = tape.input('head', [5, 3]);
    const weights = tape.input('weights', [2, 1]);
    const loss = linearDivergence(tape, hidden, head, teacher, weights, 0.1, { kind: 'forward_kl' });
    return { loss: factor === null ? loss : mul(tape, loss, factor), parameters: [hidden] };
  };
  const feeds = {
    hidden: floats(normal(1, 6), 2, 3),
    teacher: floats(normal(2, 10), 2, 5),
    head: floats(normal(3, 15), 5, 3),
    weights: floats([0.5, 0.5], 2, 1),
  };
  const [plain, tripled] = [await runGraph(build(null), feeds), await runGraph(build(3), feeds)];
  const expected = plain.gradients.get('hidden')!.map((value) => 3 * value);
  t.ok(difference(tripled.gradients.get('hidden')!, expected) < 1e-6);
  // The factor, its own gradient, and the product with dHidden.
  t.equal(tripled.nodes, plain.nodes + 3);
});

t.test('a frozen head is not computed a gradient', async (t) => {
  const nodes = [true, false].map((isTrained) => {
    const tape = new Tape('test');
    const hidden = tape.parameter('hidden', [4, 3]);
    const head = isTrained ? tape.parameter('head', [5, 3]) : tape.input('head', [5, 3]);
    const given = tape.input('teacher', [4, 5]);
    const teacher = (from: number, to: number) => slice(tape, given, 0, from, to);
    const weights = tape.input('weights', [4, 1]);
    linearDivergence(tape, hidden, head, teacher, weights, 0.1, { kind: 'reverse_kl' });
    return tape.nodes.filter(({ operator }) => operator === 'Gemm').length;
  });
  t.same(nodes, [3, 2]);
});

t.test('shapes that do not fit are errors that name them', (t) => {
  const tape = new Tape('test');
  const hidden = tape.parameter('hidden', [4, 3]);
  const head = tape.parameter('head', [5, 3]);
  const given = tape.input('teacher', [4, 6]);
  const weights = tape.input('weights', [4, 1]);
  const teacher = (from: number, to: number) => slice(tape, given, 0, from, to);
  const kind = 'forward_kl' as const;
  t.throws(() => linearDivergence(tape, hidden, head, teacher, weights, 0, { kind }), {
    name: 'ShapeError',
    message: /teacher must give \[4, 5\] for tokens 0 to 4/,
  });
  const narrow = tape.input('narrow', [5, 2]);
  t.throws(() => linearDivergence(tape, hidden, narrow, teacher, weights, 0, { kind }), ShapeError);
  t.throws(
    () => linearDivergence(tape, hidden, head, teacher, hidden, 0, { kind }),
    /weights must be \[4, 1\]/,
  );
  t.throws(() => linearDivergence(tape, hidden, head, teacher, weights, 0, { kind, chunk: 0 }), RangeError);
  const parts = [{ from: 0, to: 3, kind }];
  t.throws(() => linearDivergences(tape, hidden, head, teacher, weights, 0, parts), /cover 3 of 4 tokens/);
  t.end();
});
