import t from 'tap';
import { entryPoint } from '../../shared/entry-point.js';

t.test('a child program is found in the form of its caller', async (t) => {
  t.equal(entryPoint('file:///app/training/run.ts', './pdf-child'), '/app/training/pdf-child.ts');
  t.equal(entryPoint('file:///app/dist/training/run.js', './pdf-child'), '/app/dist/training/pdf-child.js');
  t.equal(entryPoint('file:///app/training/run.ts', '../engine/main.js'), '/app/engine/main.ts');
  t.equal(entryPoint('file:///with%20space/run.js?x=1', './child.ts'), '/with space/child.js');
});
