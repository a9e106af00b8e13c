import { readFileSync } from 'node:fs';
import t from 'tap';
import { nativeKernels } from '../../../shared/onnx/native-session.js';
import type { TensorValue } from '../../../shared/onnx/session.js';
import { seededRandom } from '../../../shared/random.js';
import { slice } from '../../../training/autodiff/expressions.js';
import { checkGradients } from '../../../training/autodiff/gradient-check.js';
import { Tape } from '../../../training/autodiff/tape.js';
import { adaptiveAlpha } from '../../../training/losses/adaptive-alpha.js';
import { betaAt } from '../../../training/losses/beta-schedule.js';
import { resolveLoss } from '../../../training/losses/loss-config.js';
import { addObjective } from '../../../training/losses/objective.js';
import { PairObjective } from '../../../training/losses/pair-objective.js';
import { difference, floats, identity, integers, kernelSets, runGraph } from './run-graph.js';

interface Case {
  form: 'released' | 'paper';
  progress: number;
  c1: number;
  c2: number;
  pairs: number;
  length: number;
  vocab: number;
  teacher: number[];
  student: number[];
  labels: number[];
  mask: number[];
  beta: number;
  alpha1: number[];
  alpha2: number[];
  d1: number[];
  d2: number[];
  skl: number[];
  srkl: number[];
  loss: number;
  dLogits: number[];
}
const { distillm2: cases } = JSON.parse(
  readFileSync(new URL('../../reference/training/losses.json', import.meta.url), 'utf8'),
) as { distillm2: Case[] };

/** The graph of a case: a head that is the identity makes hidden states logits. */
function build(tape: Tape, it: Case, detached?: boolean) {
  const tokens = 2 * it.pairs * it.length;
  const loss = resolveLoss({
    name: 'distillm2',
    form: it.form,
    ...(detached === undefined ? {} : { detached }),
  });
  const hidden = tape.parameter('hidden', [tokens, it.vocab]);
  const given = tape.input('teacher', [tokens, it.vocab]);
  const objective = addObjective(tape, loss, {
    hidden,
    head: tape.input('head', [it.vocab, it.vocab]),
    labels: tape.input('labels', [tokens], 'int64'),
    weights: tape.input('weights', [tokens, 1]),
    teacher: (from, to) => slice(tape, given, 0, from, to),
    pairs: it.pairs,
    chunk: 8,
  });
  return { ...objective, parameters: [hidden] };
}

function pairBatch(it: Case) {
  const pairOf = Int32Array.from(it.mask, (kept, token) =>
    kept ? Math.floor(token / it.length) % it.pairs : -1,
  );
  return { pairs: it.pairs, pairOf };
}

/** What a run is fed at the case's progress, once its window has closed on the case's c1 and c2. */
function feedsOf(it: Case): { objective: PairObjective; feeds: Record<string, TensorValue> } {
  const tokens = 2 * it.pairs * it.length;
  const loss = resolveLoss({ name: 'distillm2', form: it.form });
  if (loss.name !== 'distillm2') throw new Error('another loss');
  const objective = new PairObjective(loss, 1);
  objective.restore({ windowSteps: 1, steps: 1, pairs: 1, sum1: it.c1, sum2: it.c2, c1: it.c1, c2: it.c2 });
  const step = { step: it.progress * 200, maxSteps: 200, pairsPerStep: it.pairs };
  return {
    objective,
    feeds: {
      ...objective.feeds(pairBatch(it), step),
      teacher: floats(it.teacher, tokens, it.vocab),
      labels: integers(it.labels, tokens),
      head: identity(it.vocab),
    },
  };
}

for (const kernels of kernelSets) {
  t.test(`${kernels}: both forms are the published formulas, to PyTorch's numbers`, async (t) => {
    for (const it of cases) {
      const { objective, feeds } = feedsOf(it);
      const hidden = floats(it.student, 2 * it.pairs * it.length, it.vocab);
      const run = await runGraph((tape) => build(tape, it), { ...feeds, hidden }, { kernels });
      const what = `${it.form} at ${it.progress}`;
      t.ok(difference([run.loss], [it.loss]) < 3e-6, `${what}: ${run.loss}, not ${it.loss}`);
      const error = difference(run.gradients.get('hidden')!, it.dLogits);
      t.ok(error < 1e-4, `gradient of ${what}: ${error}`);
      if (it.form === 'paper') {
        for (const name of ['d1', 'd2'] as const) {
          t.ok(difference(run.metrics[name]!.data as Float32Array, it[name]) < 1e-5, name);
        }
        // c / d near 1 magnifies the last digits of d a hundredfold.
        for (const name of ['alpha1', 'alpha2'] as const) {
          t.ok(difference(run.metrics[name]!.data as Float32Array, it[name]) < 1e-4, name);
        }
      } else {
        t.same(run.metrics, {});
      }
      t.same(Object.keys(objective.observe(pairBatch(it), run.metrics)).length, it.form === 'paper' ? 4 : 0);
    }
  });

  t.test(`${kernels}: the full gradient agrees with finite differences where α stays put`, async (t) => {
    const it = cases.find(({ form, c1 }) => form === 'paper' && c1 === 0)!;
    const { feeds } = feedsOf(it);
    const { worst } = await checkGradients((tape) => build(tape, it), {
      values: new Map([['hidden', Float32Array.from(it.student)]]),
      feeds,
      kernels,
    });
    t.ok(worst < 1e-3, `${worst}`);
  });
}

const withoutTiles = nativeKernels().kernel === 'amx' ? false : 'the processor has no AMX tiles';
t.test('α is made in float32 whatever the precision of matrices', { skip: withoutTiles }, async (t) => {
  // Logits that bfloat16 holds exactly, so that nothing but the means over a response could be rounded.
  const [pairs, length, vocab] = [2, 48, 32];
  const half = pairs * length;
  const random = seededRandom(11);
  const sixteenths = (x: number) => Math.round(16 * x) / 16;
  const student = Array.from({ length: 2 * half * vocab }, () => sixteenths(4 * random() - 2));
  const teacher = student.map((logit) => sixteenths(logit + random() - 0.5));
  const rowsOf = (logits: readonly number[]) =>
    Array.from({ length: 2 * half }, (_, token) => logits.slice(token * vocab, (token + 1) * vocab));
  const [ofTeacher, ofStudent] = [rowsOf(teacher), rowsOf(student)];
  const labels = ofTeacher.map((row) => row.indexOf(Math.max(...row)));
  const pairOf = Int32Array.from(labels, (_, token) =>
    token % length < 37 ? Math.floor((token % half) / length) : -1,
  );
  /** exp of the mean log-probability of the labels of the first pair's chosen response. */
  const likelihood = (rows: readonly number[][]) => {
    const logProbs = rows.slice(0, 37).map((row, token) => {
      const sum = row.reduce((total, logit) => total + Math.exp(logit), 0);
      return row[labels[token]!]! - Math.log(sum);
    });
    return Math.exp(logProbs.reduce((total, logProb) => total + logProb, 0) / 37);
  };
  const d1 = likelihood(ofTeacher) - likelihood(ofStudent);
  const c1 = 1.05 * d1;
  const loss = resolveLoss({ name: 'distillm2', form: 'paper' });
  if (loss.name !== 'distillm2') throw new Error('another loss');
  const objective = new PairObjective(loss, 1);
  objective.restore({ windowSteps: 1, steps: 1, pairs: 1, sum1: c1, sum2: 0, c1, c2: 0 });
  const feeds = {
    ...objective.feeds({ pairs, pairOf }, { step: 0, maxSteps: 1, pairsPerStep: pairs }),
    hidden: floats(student, 2 * half, vocab),
    teacher: floats(teacher, 2 * half, vocab),
    labels: integers(labels, 2 * half),
    head: identity(vocab),
  };
  const it: Case = { ...cases.find(({ form }) => form === 'paper')!, pairs, length, vocab };
  for (const matmulPrecision of ['highest', 'high', 'medium'] as const) {
    const { metrics } = await runGraph((tape) => build(tape, it), feeds, {
      ...{ kernels: 'haetae', matmulPrecision },
    });
    const [found, alpha] = ['d1', 'alpha1'].map((name) => Number(metrics[name]!.data[0]));
    t.ok(Math.abs(found! - d1) < 1e-6, `${matmulPrecision}: d1 is ${found}, not ${d1}`);
    const wanted = adaptiveAlpha(c1, d1, 0.1);
    t.ok(wanted > 0.02 && wanted < 0.09 && Math.abs(alpha! - wanted) < 1e-3, `α ${alpha}, not ${wanted}`);
  }
});

t.test('a detached mixture changes the gradient of SRKL, never the loss', async (t) => {
  const it = cases[0]!;
  const { feeds } = feedsOf(it);
  const tokens = 2 * it.pairs * it.length;
  const hidden = floats(it.student, tokens, it.vocab);
  const [detached, full] = [
    await runGraph((tape) => build(tape, it, true), { ...feeds, hidden }),
    await runGraph((tape) => build(tape, it, false), { ...feeds, hidden }),
  ];
  t.equal(detached.loss, full.loss);
  const [a, b] = [detached, full].map((run) => run.gradients.get('hidden')!);
  const half = (tokens / 2) * it.vocab;
  t.same(a!.subarray(0, half), b!.subarray(0, half));
  t.ok(difference(a!.subarray(half), b!.subarray(half)) > 0.01);
});

t.test('β is 1 as released; as published it rises to 1.5 over the first half', (t) => {
  const at = (form: 'released' | 'paper') => [0, 0.25, 0.5, 1].map((share) => betaAt(form, share * 80, 80));
  t.same(at('paper'), [1, 1.25, 1.5, 1.5]);
  t.same(at('released'), [1, 1, 1, 1]);
  t.throws(() => betaAt('paper', 1, 0), RangeError);
  t.throws(() => betaAt('paper', -1, 10), RangeError);
  t.end();
});

t.test('α is the largest until the window closes, then small for pairs that are far apart', (t) => {
  t.equal(adaptiveAlpha(0, 0.5, 0.1), 0.1);
  t.equal(adaptiveAlpha(0, -0.3, 0.1), 0.1);
  // c = d: 1 − 0.9 = 0.1, but for the offset.
  t.ok(Math.abs(adaptiveAlpha(0.2, 0.2, 0.1) - 0.1) < 1e-4);
  t.equal(adaptiveAlpha(0.2, 0.1, 0.1), 0.01);
  t.equal(adaptiveAlpha(0.2, -0.1, 0.1), 0.1);
  t.ok(Math.abs(adaptiveAlpha(0.21, 0.2, 0.1) - 0.055) < 1e-4);
  t.end();
});

t.test('a window is learnt over its steps, kept with a checkpoint, and fixed for good', (t) => {
  const loss = resolveLoss({ name: 'distillm2', form: 'paper' });
  if (loss.name !== 'distillm2') throw new Error('another loss');
  const batch = { pairs: 2, pairOf: Int32Array.of(0, 0, -1, -1, 0, -1, 0, -1) };
  const metrics = (d1: number, d2: number) => ({
    // The second pair is not there: its figures are of no meaning.
    d1: floats([d1, 99], 2, 1),
    d2: floats([d2, 99], 2, 1),
    alpha1: floats([0.1, 99], 2, 1),
    alpha2: floats([0.1, 99], 2, 1),
  });
  const at = { step: 0, maxSteps: 10, pairsPerStep: 1 };
  const window = (objective: PairObjective) =>
    Array.from(objective.feeds(batch, at).pair_window!.data as Float32Array);
  const first = new PairObjective(loss, 2);
  t.match(first.observe(batch, metrics(0.25, 0.5)), { d1: 0.25, d2: 0.5 });
  first.endStep();
  t.same(window(first), [0, 0]);
  const kept: unknown = JSON.parse(JSON.stringify(first.state()));
  const runs = [first, new PairObjective(loss, 2)];
  runs[1]!.restore(kept as ReturnType<PairObjective['state']>);
  for (const objective of runs) {
    objective.observe(batch, metrics(0.75, 0.25));
    objective.endStep();
    t.same(window(objective), [0.5, 0.375]);
    objective.observe(batch, metrics(5, 5));
    objective.endStep();
    t.same(window(objective), [0.5, 0.375], 'later steps change nothing');
  }
  t.throws(() => new PairObjective(loss, 0), RangeError);
  t.end();
});

t.test('weights take means over tokens and pairs; half a pair is an error', (t) => {
  const loss = resolveLoss({ name: 'distillm2', form: 'paper' });
  if (loss.name !== 'distillm2') throw new Error('another loss');
  const objective = new PairObjective(loss, 1);
  // Two pairs in rows of four tokens, chosen rows first; two more pairs are in another batch of the step.
  const pairOf = Int32Array.of(-1, 0, 0, -1, 1, 1, 1, 1, -1, -1, -1, 0, -1, 1, 1, -1);
  const feeds = objective.feeds({ pairs: 2, pairOf }, { step: 1, maxSteps: 4, pairsPerStep: 4 });
  // β = 1.25
  const [chosen, rejected] = [0.75 / 4, 1.25 / 4];
  const expected = [
    [0, chosen / 2, chosen / 2, 0],
    [chosen / 4, chosen / 4, chosen / 4, chosen / 4],
    [0, 0, 0, rejected],
    [0, rejected / 2, rejected / 2, 0],
  ].flat();
  t.ok(difference(feeds.weights!.data as Float32Array, expected) < 1e-7);
  const means = feeds.pair_means!.data as Float32Array;
  t.same(Array.from(means.subarray(0, 8)), [0, 0.5, 0.5, 0, 0, 0, 0, 0]);
  t.same(Array.from(means.subarray(8, 16)), [0, 0, 0, 1, 0, 0, 0, 0]);
  const at = { step: 0, maxSteps: 4, pairsPerStep: 1 };
  t.throws(
    () => objective.feeds({ pairs: 1, pairOf: Int32Array.of(0, 0, -1, -1) }, at),
    /no token of its rejected/,
  );
  t.throws(
    () => objective.feeds({ pairs: 1, pairOf: Int32Array.of(0, 1, 0, 0) }, at),
    /token 1 is of pair 1, of 1/,
  );
  t.throws(() => objective.feeds({ pairs: 1, pairOf: Int32Array.of(0, 0, 0) }, at), /two halves/);
  t.end();
});

t.test('a loss without what it needs is an error', (t) => {
  const tape = new Tape('test');
  const hidden = tape.parameter('hidden', [4, 3]);
  const inputs = {
    hidden,
    head: tape.parameter('head', [5, 3]),
    labels: tape.input('labels', [4], 'int64'),
    weights: tape.input('weights', [4, 1]),
  };
  t.throws(() => addObjective(tape, resolveLoss({ name: 'forward_kl' }), inputs), /needs a teacher/);
  const given = tape.input('teacher', [4, 5]);
  const teacher = (from: number, to: number) => slice(tape, given, 0, from, to);
  const paper = resolveLoss({ name: 'distillm2', form: 'paper' });
  t.throws(() => addObjective(tape, paper, { ...inputs, teacher }), /number of pairs/);
  t.end();
});
