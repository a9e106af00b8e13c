import { join } from 'node:path';
import t from 'tap';
import { bundleArgument } from '../../cli/bundle-argument.js';
import { readBundle } from '../../shared/bundle/bundle-store.js';
import { fakeManifest } from '../fixtures/fake-bundle.js';

const manifest = (id: string, date: string): string =>
  JSON.stringify({ ...fakeManifest(id), createdAt: `${date}T00:00:00.000Z` });

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

t.test('a name stands for the newest bundle of its pipeline, unless it is an id', async (t) => {
  const models = t.testdir({
    'default-1': { 'manifest.json': manifest('default-1', '2025-01-01') },
    'default-2': { 'manifest.json': manifest('default-2', '2025-03-01') },
    'default-3': { 'manifest.json': manifest('default-3', '2025-02-01') },
    'default-4': { 'manifest.json': 'no JSON' },
    'defaulted-5': { 'manifest.json': manifest('defaulted-5', '2025-04-01') },
    'other-1': { 'manifest.json': manifest('other-1', '2025-01-01') },
    other: { 'manifest.json': manifest('other', '2024-01-01') },
    'bad-1': { 'manifest.json': '{}' },
    'default-9': {},
    current: 'default-1',
  });
  const id = async (name: string) => (await bundleArgument(name, models)).id;
  t.equal(await id('default'), 'default-2');
  t.equal(await id('default-1'), 'default-1');
  t.equal(await id('other'), 'other');
  t.equal(await id('bad'), 'bad-1', 'so that reading it says what is wrong with it');
  t.equal(await id('defau'), 'defau');
  await t.rejects(readBundle(models, 'defau'), {
    code: 'BUNDLE_NOT_FOUND',
    message: /There are bad-1, default-1, default-2, default-3, default-4, defaulted-5, other, other-1\.$/,
  });
  await t.rejects(readBundle(t.testdir({}), 'x'), { message: /There is none at all/ });
});
