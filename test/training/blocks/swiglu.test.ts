import t from 'tap';
import { gatedSilu } from '../../../training/blocks/swiglu.js';
import { type Block, formDifference, gradientError, kernelForms, runForm } from './forms.js';
import { plainGatedSilu } from './primitives.js';

for (const kernels of kernelForms) {
  for (const size of [1, 5, 24]) {
    t.test(`silu(gate) ⊙ up of ${size} features (kernels "${kernels}")`, async (t) => {
      const form = (gate: typeof gatedSilu): Block => ({
        parameters: { gateUp: [7, 2 * size] },
        build: (tape, { gateUp }) => gate(tape, gateUp!),
      });
      const block = await runForm(form(gatedSilu), { kernels });
      const plain = await runForm(form(plainGatedSilu), {});
      t.ok(formDifference(block, plain) < 1e-6, `against primitives: ${formDifference(block, plain)}`);
      const error = await gradientError(form(gatedSilu), { kernels });
      t.ok(error < 1e-3, `against finite differences: ${error}`);
    });
  }
}
