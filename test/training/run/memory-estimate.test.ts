import t from 'tap';
import { memoryEstimate, refuseTooLarge } from '../../../training/run/memory-estimate.js';

const MiB = 2 ** 20;
const estimate = memoryEstimate([
  { name: 'activations', bytes: 30 * MiB },
  { name: 'teacher', bytes: 0 },
  { name: 'parameters and moments', bytes: 1500 * MiB },
]);
const available = { bytes: 1024 * MiB, limitedBy: 'free memory of the machine' };

t.test('a run that does not fit is refused with the parts, the largest first', async (t) => {
  t.throws(() => refuseTooLarge(estimate, available, false, t.fail), {
    code: 'TRAINING_MEMORY',
    message:
      /needs about 1,530 MiB, and 1,024 MiB are available \(free memory of the machine\):\n {2}parameters and moments {4}1,500 MiB\n {2}activations +30 MiB\n {2}together +1,530 MiB\nTake fewer/,
    data: { bytes: 1530 * MiB, parts: [{ name: 'activations' }, { name: 'parameters and moments' }] },
  });
});

t.test('it starts all the same where it is told to, with a warning', async (t) => {
  const warnings: string[] = [];
  refuseTooLarge(estimate, available, true, (line) => warnings.push(line));
  t.match(warnings, [/memory\.allowOvercommit lets it start/]);
});

t.test('a run that fits is let be', async (t) => {
  refuseTooLarge(estimate, { ...available, bytes: 1530 * MiB }, false, t.fail);
});
