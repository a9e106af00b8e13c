import t from 'tap';
import { nativeKernels } from '../../../shared/onnx/native-session.js';
import type { Variable } from '../../../training/autodiff/variable.js';
import { type LinearAdapter, linear } from '../../../training/blocks/linear.js';
import { type Block, formDifference, gradientError, kernelForms, runForm } from './forms.js';
import { plainLinear } from './primitives.js';

const [tokens, columns, rows, rank, scale] = [6, 5, 7, 2, 1.5];
const shapes = { x: [tokens, columns], weight: [rows, columns] };
const extras = {
  bias: [rows],
  residual: [tokens, rows],
  a: [rank, columns],
  b: [rows, rank],
};
const cases: (keyof typeof extras)[][] = [
  [],
  ['bias'],
  ['residual'],
  ['bias', 'residual'],
  ['a', 'b'],
  ['bias', 'residual', 'a', 'b'],
];

for (const kernels of kernelForms) {
  for (const names of cases) {
    const what = names.join(', ') || 'nothing else';
    t.test(`a linear layer with ${what} (kernels "${kernels}")`, async (t) => {
      const parameters = { ...shapes, ...Object.fromEntries(names.map((name) => [name, extras[name]])) };
      const form = (build: typeof linear | typeof plainLinear): Block => ({
        parameters,
        build: (tape, { x, weight, bias, residual, a, b }) =>
          build(tape, x!, weight!, {
            ...(bias ? { bias } : {}),
            ...(residual ? { residual } : {}),
            ...(a && b ? { adapter: { a, b, scale } } : {}),
          }),
      });
      const block = await runForm(form(linear), { kernels });
      const plain = await runForm(form(plainLinear), {});
      t.ok(formDifference(block, plain) < 1e-6, `against primitives: ${formDifference(block, plain)}`);
      const error = await gradientError(form(linear), { kernels });
      t.ok(error < 1e-3, `against finite differences: ${error}`);
    });
  }
}

const { kernel } = nativeKernels();
const skip = kernel === 'amx' ? false : 'bfloat16 products need AMX';

// Two bfloat16 keep 16 bits of each operand, one keeps 8; the sums are float32.
for (const [matmulPrecision, tolerance] of [
  ['high', 2e-5],
  ['medium', 1e-2],
] as const) {
  t.test(`a linear layer with everything, of ${matmulPrecision} precision`, { skip }, async (t) => {
    const [x, weight] = [
      [70, 96],
      [80, 96],
    ] as const;
    const extra = { bias: [80], residual: [70, 80], a: [4, 96], b: [80, 4] };
    const form = (build: typeof linear | typeof plainLinear): Block => ({
      parameters: { x, weight, ...extra },
      build: (tape, inputs) => {
        const { bias, residual, a, b } = inputs as Record<string, Variable>;
        const adapter = { a: a!, b: b!, scale };
        return build(tape, inputs.x!, inputs.weight!, { bias: bias!, residual: residual!, adapter });
      },
    });
    const block = await runForm(form(linear), { kernels: 'haetae', matmulPrecision });
    const plain = await runForm(form(plainLinear), {});
    const difference = formDifference(block, plain);
    t.ok(difference < tolerance, `against float32: ${difference}`);
    t.ok(difference > tolerance / 1000, 'and not float32 itself');
  });
}

t.test('frozen weights get no gradient, and an adapter whose B is zero changes no bit', async (t) => {
  for (const kernels of kernelForms) {
    const form = (isAdapted: boolean): Block => ({
      parameters: isAdapted ? { x: shapes.x, a: extras.a } : { x: shapes.x },
      build: (tape, { x, a }) => {
        const weight = tape.constant(
          shapes.weight,
          Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i)),
        );
        const b = tape.constant(extras.b, new Float32Array(rows * rank));
        const adapter: LinearAdapter | null = a ? { a, b, scale } : null;
        return linear(tape, x!, weight, { adapter });
      },
    });
    const { output, gradients } = await runForm(form(true), { kernels });
    const base = await runForm(form(false), { kernels });
    t.same(output, base.output);
    t.same(gradients.x, base.gradients.x);
    t.ok(
      gradients.a!.every((value) => value === 0),
      'A hears nothing while B is zero',
    );
  }
});
