import t from 'tap';
import { kernelsInUse } from '../../bench/kernels-in-use.js';

t.test('kernels are what the decoder says, and an error where others were asked for', async (t) => {
  t.equal(kernelsInUse({ kernels: 'amx' }), 'native');
  t.equal(kernelsInUse({ kernels: 'vnni' }, 'native'), 'native');
  t.equal(kernelsInUse({ kernels: 'runtime' }, 'runtime'), 'runtime');
  t.throws(
    () => kernelsInUse({ kernels: 'runtime' }, 'native'),
    /native was asked for, but runtime kernels run/,
  );
  t.throws(
    () => kernelsInUse({ kernels: 'amx' }, 'runtime'),
    /runtime was asked for, but native kernels run/,
  );
});
