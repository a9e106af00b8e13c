/** The rest of the checks are for the bench; what they check has tests of its own beside it. */
import t from 'tap';
import { gradientErrors } from '../../bench/train-gradients.js';

t.test('errors are small, and told apart by what was checked', async (t) => {
  const errors = await gradientErrors(['runtime'], ['decoder', 'gatedSilu']);
  t.same(
    errors.map(({ name, kernels }) => [name, kernels]),
    [
      ['decoder', 'runtime'],
      ['gatedSilu', 'runtime'],
    ],
  );
  for (const { worst, worstParameter, name } of errors) {
    t.ok(worst > 0 && worst < 1e-3, `${name}: ${worst} of ${worstParameter}`);
  }
});
