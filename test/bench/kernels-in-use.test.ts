import t from 'tap';
import { kernelsInUse, kernelsOf } from '../../bench/kernels-in-use.js';

t.test('kernels are told by the addon that is mapped, not by another one of the same name', async (t) => {
  const line = (path: string) => `7f00-7f01 r-xp 00000000 fe:00 123   ${path}`;
  const other = line('/srv/app/node_modules/onnxruntime-node/bin/onnxruntime_binding.node');
  t.equal(kernelsOf([line('/usr/bin/node'), other].join('\n'), '/srv/app/build'), 'runtime');
  t.equal(kernelsOf([other, line('/srv/app/build/lm.node'), ''].join('\n'), '/srv/app/build'), 'native');
  t.equal(kernelsOf(line('/srv/app/build-old/lm.node'), '/srv/app/build'), 'runtime');
  t.equal(kernelsOf(line('/srv/app/build/faiss.node'), '/srv/app/build'), 'runtime');
  t.equal(kernelsOf('', '/srv/app/build'), 'runtime');
});

t.test('kernels that were asked for and do not run are an error', async (t) => {
  t.equal(kernelsInUse('auto') ?? 'runtime', 'runtime', 'none is loaded here');
  t.throws(() => kernelsInUse('native'), /native was asked for, but runtime kernels run/);
});
