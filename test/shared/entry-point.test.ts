import t from 'tap';
import { childExecArgv, entryPoint } from '../../shared/entry-point.js';

t.test('a child program is found in the form of its caller', async (t) => {
  t.equal(entryPoint('file:///app/training/run.ts', './pdf-child'), '/app/training/pdf-child.ts');
  t.equal(entryPoint('file:///app/dist/training/run.js', './pdf-child'), '/app/dist/training/pdf-child.js');
  t.equal(entryPoint('file:///app/training/run.ts', '../engine/main.js'), '/app/engine/main.ts');
  t.equal(entryPoint('file:///with%20space/run.js?x=1', './child.ts'), '/with space/child.js');
});

t.test('a child gets the loaders of its parent, but never its program text', async (t) => {
  t.same(childExecArgv(['--import=tsx', '-e', 'fork()', '--input-type=module']), ['--import=tsx']);
  t.same(childExecArgv(['--eval=fork()', '--inspect-brk', '--max-old-space-size=100']), [
    '--max-old-space-size=100',
  ]);
  t.same(childExecArgv(['--enable-source-maps', '--import', 'tsx']), ['--import', 'tsx']);
});
