import { join } from 'node:path';
import t from 'tap';
import { bundleArgument } from '../../cli/bundle-argument.js';

t.test('a bundle is named by its id or by where it lies', async (t) => {
  const out = t.testdir({
    models: { current: 'tiny-1\n', 'tiny-1': { 'manifest.json': '{}' }, 'tiny-2': { 'manifest.json': '{}' } },
  });
  const models = join(out, 'models');
  t.same(await bundleArgument(undefined, 'elsewhere'), { modelsDir: 'elsewhere', id: undefined });
  t.same(await bundleArgument('tiny-2', models), { modelsDir: models, id: 'tiny-2' });
  t.same(await bundleArgument(join(models, 'tiny-2'), 'elsewhere'), { modelsDir: models, id: 'tiny-2' });
  t.same(await bundleArgument(`${models}/tiny-2/`, 'elsewhere'), { modelsDir: models, id: 'tiny-2' });
  t.same(
    await bundleArgument(models, 'elsewhere'),
    { modelsDir: models, id: undefined },
    'a folder of bundles',
  );
  t.same(await bundleArgument(out, 'elsewhere'), { modelsDir: models, id: undefined }, "a pipeline's output");
  t.same(await bundleArgument(join(out, 'none'), 'elsewhere'), { modelsDir: out, id: 'none' });
  t.same(await bundleArgument('absent', models), { modelsDir: models, id: 'absent' });
});
