import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import {
  add,
  gatherLast,
  gemm,
  logSoftmax,
  mul,
  reshape,
  slice,
  sumAll,
  transpose,
} from '../../../training/autodiff/expressions.js';
import { checkGradients } from '../../../training/autodiff/gradient-check.js';
import { Tape } from '../../../training/autodiff/tape.js';
import { type InfoNceOptions, infoNce } from '../../../training/blocks/info-nce.js';
import { difference, floats, kernelSets, runGraph } from '../losses/run-graph.js';

const [batch, dimension] = [5, 4];
const random = seededRandom(2);
const uniform = (count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1);

const variants: (InfoNceOptions & { each: number })[] = [
  { each: 1, temperature: 0.5 },
  { each: 3, temperature: 0.2 },
  { each: 1, temperature: 0.5, symmetric: true },
  { each: 2, temperature: 0.3, symmetric: true },
];

/** From primitives that the tape differentiates by itself. */
function plainInfoNce(
  tape: Tape,
  queries: ReturnType<Tape['input']>,
  documents: typeof queries,
  it: (typeof variants)[number],
) {
  const scores = gemm(tape, queries, documents, { transB: true, alpha: 1 / it.temperature });
  const at = (stride: number) =>
    tape.constant(
      [batch, 1],
      BigInt64Array.from({ length: batch }, (_, b) => BigInt(b * stride)),
    );
  const mean = (chosen: typeof queries) => mul(tape, sumAll(tape, chosen), -1 / batch);
  const rows = mean(gatherLast(tape, logSoftmax(tape, scores), at(it.each)));
  if (!it.symmetric) return rows;
  const own = slice(tape, reshape(tape, scores, [batch, batch, it.each]), 2, 0, 1);
  const columns = transpose(tape, reshape(tape, own, [batch, batch]), [1, 0]);
  return mul(tape, add(tape, rows, mean(gatherLast(tape, logSoftmax(tape, columns), at(1)))), 0.5);
}

for (const kernels of kernelSets) {
  t.test(`${kernels}: InfoNCE is its primitives, and its gradients are finite differences`, async (t) => {
    for (const it of variants) {
      const values = { queries: uniform(batch * dimension), documents: uniform(batch * it.each * dimension) };
      const fed = {
        queries: floats(values.queries, batch, dimension),
        documents: floats(values.documents, batch * it.each, dimension),
      };
      const build = (loss: typeof plainInfoNce) => (tape: Tape) => {
        const queries = tape.parameter('queries', [batch, dimension]);
        const documents = tape.parameter('documents', [batch * it.each, dimension]);
        return { loss: loss(tape, queries, documents, it), parameters: [queries, documents] };
      };
      const block = await runGraph(build(infoNce), fed, { kernels });
      const plain = await runGraph(build(plainInfoNce), fed);
      const what = `${it.each} documents each${it.symmetric ? ', symmetric' : ''}`;
      t.ok(difference([block.loss], [plain.loss]) < 1e-6, what);
      for (const [name, gradient] of plain.gradients) {
        t.ok(difference(block.gradients.get(name)!, gradient) < 2e-6, `${name}, ${what}`);
      }
      const { worst } = await checkGradients(build(infoNce), {
        values: new Map(Object.entries(values)),
        kernels,
      });
      t.ok(worst < 1e-3, `${what}: ${worst}`);
    }
  });
}

t.test('a frozen side gets no gradient, and shapes that do not fit are errors', (t) => {
  const tape = new Tape('test');
  const queries = tape.parameter('queries', [3, 4]);
  const documents = tape.input('documents', [6, 4]);
  t.ok(infoNce(tape, queries, documents, { temperature: 1 }).requiresGrad);
  t.throws(
    () => infoNce(tape, queries, tape.input('odd', [4, 4]), { temperature: 1 }),
    /documents must be \[3 · k, 4\]/,
  );
  t.throws(() => infoNce(tape, queries, tape.input('wide', [3, 5]), { temperature: 1 }), {
    name: 'ShapeError',
  });
  t.throws(() => infoNce(tape, queries, documents, { temperature: 0 }), RangeError);
  t.end();
});
