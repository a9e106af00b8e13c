import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { resolveModelFolder } from '../../cli/model-argument.js';
import { activateBundle, createStagingFolder, publishBundle } from '../../shared/bundle/bundle-store.js';
import { fakeManifest } from '../fixtures/fake-bundle.js';

async function setUp(t: Test) {
  const folder = t.testdir({ qwen: { 'config.json': '{}' }, empty: {} });
  const modelsDir = join(folder, 'models');
  const student = {
    path: 'student',
    contextLength: 64,
    slots: 1,
    fingerprint: { probe: 1 as const, logprobs: [-1] },
    name: 'qwen',
    licence: 'MIT',
    released: null,
  };
  for (const manifest of [{ ...fakeManifest('with'), student, prompt: 'ko-1' }, fakeManifest('without')])
    await publishBundle(modelsDir, await createStagingFolder(modelsDir), manifest);
  return { folder, modelsDir };
}

t.test('a folder, a bundle by folder or id, and the active one', async (t) => {
  const { folder, modelsDir } = await setUp(t);
  const inBundle = join(modelsDir, 'with', 'student');
  t.equal(await resolveModelFolder(join(folder, 'qwen'), modelsDir), join(folder, 'qwen'));
  t.equal(
    await resolveModelFolder(join(folder, 'empty'), modelsDir),
    join(folder, 'empty'),
    'opening it says why',
  );
  t.equal(await resolveModelFolder(join(modelsDir, 'with'), modelsDir), inBundle);
  t.equal(await resolveModelFolder(`${join(modelsDir, 'with')}/`, 'elsewhere'), inBundle);
  t.equal(await resolveModelFolder('with', modelsDir), inBundle);
  await t.rejects(resolveModelFolder('current', modelsDir), { code: 'BUNDLE_NOT_FOUND' });
  await activateBundle(modelsDir, 'with');
  t.equal(await resolveModelFolder('current', modelsDir), inBundle);
});

t.test('a folder that is there goes before a bundle of its name', async (t) => {
  const { folder, modelsDir } = await setUp(t);
  const name = join(folder, 'with');
  await mkdir(name);
  await writeFile(join(name, 'config.json'), '{}');
  const before = process.cwd();
  process.chdir(folder);
  t.teardown(() => process.chdir(before));
  t.equal(await resolveModelFolder('with', modelsDir), 'with');
});

t.test('what is nothing of these is named', async (t) => {
  const { modelsDir } = await setUp(t);
  await t.rejects(resolveModelFolder('without', modelsDir), {
    code: 'MODEL_NOT_LOADED',
    message: /'without' has no language model.*models import/,
  });
  for (const name of ['absent', '../no-such-models', '', 'a/b'])
    await t.rejects(
      resolveModelFolder(name, modelsDir),
      { code: 'FILE_NOT_FOUND', message: /neither/ },
      name,
    );
});
