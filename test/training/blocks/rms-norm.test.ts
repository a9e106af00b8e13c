import t from 'tap';
import { rmsNorm } from '../../../training/blocks/rms-norm.js';
import { type Block, formDifference, gradientError, kernelForms, runForm } from './forms.js';
import { plainRmsNorm } from './primitives.js';

for (const kernels of kernelForms) {
  for (const [tokens, width] of [
    [5, 8],
    [3, 33],
    [1, 1],
  ] as const) {
    t.test(`RMSNorm of [${tokens}, ${width}] (kernels "${kernels}")`, async (t) => {
      const form = (norm: typeof rmsNorm): Block => ({
        parameters: { x: [tokens, width], weight: [width] },
        // Epsilon is as large as the squares, so that a formula without it shows.
        build: (tape, { x, weight }) => norm(tape, x!, weight!, 0.3),
      });
      const block = await runForm(form(rmsNorm), { kernels });
      const plain = await runForm(form(plainRmsNorm), {});
      t.ok(formDifference(block, plain) < 1e-6, `against primitives: ${formDifference(block, plain)}`);
      const error = await gradientError(form(rmsNorm), { kernels });
      t.ok(error < 1e-3, `against finite differences: ${error}`);
    });
  }

  t.test(`RMSNorm of a frozen weight, or of a frozen input (kernels "${kernels}")`, async (t) => {
    const values = Float32Array.from({ length: 12 }, (_, i) => Math.cos(i));
    const byInput: Block = {
      parameters: { x: [4, 3] },
      build: (tape, { x }) => rmsNorm(tape, x!, tape.constant([3], values.slice(0, 3)), 1e-6),
    };
    const byWeight: Block = {
      parameters: { weight: [3] },
      build: (tape, { weight }) => rmsNorm(tape, tape.constant([4, 3], values), weight!, 1e-6),
    };
    t.ok((await gradientError(byInput, { kernels })) < 1e-3);
    t.ok((await gradientError(byWeight, { kernels })) < 1e-3);
  });
}
