import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { modelsCommand } from '../../../cli/commands/models.js';
import { activateBundle, createStagingFolder, publishBundle } from '../../../shared/bundle/bundle-store.js';
import { fakeManifest } from '../../fixtures/fake-bundle.js';

async function setUp(t: Test, ids: readonly string[]) {
  const modelsDir = join(t.testdir({}), 'models');
  for (const id of ids) {
    const staging = await createStagingFolder(modelsDir);
    await writeFile(join(staging, 'chunks.jsonl'), 'text');
    await publishBundle(modelsDir, staging, fakeManifest(id));
  }
  if (ids[0]) await activateBundle(modelsDir, ids[0]);
  const run = async (...args: string[]): Promise<string> => {
    const out = t.capture(process.stdout, 'write');
    try {
      await modelsCommand().parseAsync([...args, '--models-dir', modelsDir], { from: 'user' });
      return out()
        .map(({ args: [text] }) => String(text))
        .join('');
    } finally {
      out.restore();
    }
  };
  return { modelsDir, run };
}

t.test('list marks the active bundle, and says what is wrong with a damaged one', async (t) => {
  const { modelsDir, run } = await setUp(t, ['b', 'a', 'c']);
  await writeFile(join(modelsDir, 'c', 'chunks.jsonl'), 'longer text');
  const lines = (await run('list')).split('\n');
  t.match(lines[0], /^ {2}a {2}2025-01-01T\S+ {2}1 chunks {2}Flat/);
  t.match(lines[1], /^\* b /);
  t.match(lines[2], /^ {2}c {2}not valid: .*has 11 bytes, expected 4/);
});

t.test('list of an empty folder says how to build a bundle', async (t) => {
  const { run } = await setUp(t, []);
  t.match(await run('list'), /There is no bundle in .*npm run setup/);
});

t.test('show prints the manifest of the active bundle, or of the one named', async (t) => {
  const { run } = await setUp(t, ['a', 'b']);
  t.match(JSON.parse(await run('show')), { id: 'a' });
  t.match(JSON.parse(await run('show', 'b')), { id: 'b', files: [{ path: 'chunks.jsonl', bytes: 4 }] });
  await t.rejects(run('show', '../a'), { code: 'BUNDLE_NOT_FOUND' });
});

t.test('verify reads every byte', async (t) => {
  const { modelsDir, run } = await setUp(t, ['a']);
  t.equal(await run('verify'), 'a: 1 files, all checksums match\n');
  await writeFile(join(modelsDir, 'a', 'chunks.jsonl'), 'tent');
  await t.rejects(run('verify', 'a'), { code: 'BUNDLE_CHECKSUM' });
});

t.test('rollback goes back through what was active, and passes over what is not sound', async (t) => {
  const { modelsDir, run } = await setUp(t, ['a', 'b', 'c', 'd']);
  for (const id of ['b', 'c', 'd']) await run('activate', id);
  await writeFile(join(modelsDir, 'c', 'chunks.jsonl'), 'tent');
  t.match(await run('rollback'), /^passing over c: .*sha256.*\nb is now the active bundle\n$/s);
  t.equal(await readFile(join(modelsDir, 'current'), 'utf8'), 'b\n');
  t.equal(await run('rollback'), 'a is now the active bundle\n');
  await t.rejects(run('rollback'), { code: 'BUNDLE_REFUSED', message: /no earlier bundle/ });
});

t.test('activate changes the active bundle only to one that is sound', async (t) => {
  const { modelsDir, run } = await setUp(t, ['a', 'b']);
  t.equal(await run('activate', 'b'), 'b is now the active bundle\n');
  t.equal(await readFile(join(modelsDir, 'current'), 'utf8'), 'b\n');
  await writeFile(join(modelsDir, 'a', 'chunks.jsonl'), 'tent');
  await t.rejects(run('activate', 'a'), { code: 'BUNDLE_CHECKSUM' });
  t.equal(await readFile(join(modelsDir, 'current'), 'utf8'), 'b\n');
});
