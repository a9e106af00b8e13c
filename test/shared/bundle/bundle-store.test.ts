import { spawnSync } from 'node:child_process';
import { access, mkdir, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  activateBundle,
  createStagingFolder,
  currentBundleId,
  filesBelow,
  hashFile,
  listBundles,
  publishBundle,
  readBundle,
  updateManifest,
  verifyBundle,
} from '../../../shared/bundle/bundle-store.js';
import { writeAtomically } from '../../../shared/write-atomically.js';
import { fakeManifest } from '../../fixtures/fake-bundle.js';

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The id of a process that ran and is gone. */
function deadProcess(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

async function publish(modelsDir: string, id: string, content = 'one'): Promise<void> {
  const staging = await createStagingFolder(modelsDir);
  await mkdir(join(staging, 'bm25'));
  await writeFile(join(staging, 'chunks.jsonl'), content);
  await writeFile(join(staging, 'bm25', 'values.f32'), Buffer.from([1, 2, 3]));
  const { files: _, ...manifest } = fakeManifest(id);
  await publishBundle(modelsDir, staging, manifest);
}

const folder = (t: Test): string => join(t.testdir({}), 'models');

t.test('a published bundle is complete, listed, readable and verified', async (t) => {
  const modelsDir = folder(t);
  await publish(modelsDir, 'b-2');
  await publish(modelsDir, 'a-1');
  t.strictSame(await listBundles(modelsDir), ['a-1', 'b-2']);
  t.strictSame((await readdir(modelsDir)).sort(), ['a-1', 'b-2'], 'nothing else is left');
  const bundle = await readBundle(modelsDir, 'a-1');
  t.equal(bundle.folder, join(modelsDir, 'a-1'));
  t.strictSame(bundle.manifest.files, [
    {
      path: 'bm25/values.f32',
      bytes: 3,
      sha256: '039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81',
    },
    {
      path: 'chunks.jsonl',
      bytes: 3,
      sha256: '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed',
    },
  ]);
  await verifyBundle(bundle);
});

t.test('publishing an id again replaces its bundle whole', async (t) => {
  const modelsDir = folder(t);
  await publish(modelsDir, 'a', 'old');
  await writeFile(join(modelsDir, 'a', 'stray'), '');
  await publish(modelsDir, 'a', 'new text');
  t.equal(await readFile(join(modelsDir, 'a', 'chunks.jsonl'), 'utf8'), 'new text');
  t.notOk(await exists(join(modelsDir, 'a', 'stray')));
  t.strictSame(await readdir(modelsDir), ['a']);
  await verifyBundle(await readBundle(modelsDir, 'a'));
});

t.test('a manifest that is not valid publishes nothing and harms nothing', async (t) => {
  const modelsDir = folder(t);
  await publish(modelsDir, 'a', 'old');
  for (const id of ['../a', '..', '.hidden', '', 'a/b']) {
    const staging = await createStagingFolder(modelsDir);
    await writeFile(join(staging, 'x'), 'x');
    await t.rejects(publishBundle(modelsDir, staging, fakeManifest(id)), { code: 'BUNDLE_INVALID' }, id);
  }
  t.strictSame(await listBundles(modelsDir), ['a']);
  await verifyBundle(await readBundle(modelsDir, 'a'));
});

t.test('a bundle is absent until it is published', async (t) => {
  const modelsDir = folder(t);
  const staging = await createStagingFolder(modelsDir);
  await writeFile(join(staging, 'manifest.json'), JSON.stringify(fakeManifest('a')));
  t.strictSame(await listBundles(modelsDir), []);
  await mkdir(join(modelsDir, 'half'));
  t.strictSame(await listBundles(modelsDir), [], 'a folder without a manifest is no bundle');
  t.strictSame(await listBundles(join(modelsDir, 'none')), []);
});

t.test('staging folders of dead processes are removed, those of live ones stay', async (t) => {
  const modelsDir = folder(t);
  const live = join(modelsDir, `.tmp-${process.ppid}`);
  const dead = [`.tmp-${deadProcess()}`, '.tmp-', '.tmp-x', '.tmp-0', '.tmp--1', '.tmp-1.5'];
  for (const path of [live, ...dead.map((name) => join(modelsDir, name))]) {
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'file'), '');
  }
  const own = await createStagingFolder(modelsDir);
  await writeFile(join(own, 'file'), '');
  t.strictSame((await readdir(modelsDir)).sort(), [`.tmp-${process.pid}`, `.tmp-${process.ppid}`].sort());
  t.strictSame(await readdir(await createStagingFolder(modelsDir)), [], 'the own one is emptied');
});

t.test('a process of another user, which may not be signalled, lives', async (t) => {
  const modelsDir = folder(t);
  await mkdir(join(modelsDir, '.tmp-4242'), { recursive: true });
  t.intercept(process, 'kill', {
    value: () => {
      throw Object.assign(new Error('not permitted'), { code: 'EPERM' });
    },
  });
  await createStagingFolder(modelsDir);
  t.ok(await exists(join(modelsDir, '.tmp-4242')));
});

t.test('the active bundle is one line, replaced whole', async (t) => {
  const modelsDir = folder(t);
  await t.rejects(currentBundleId(modelsDir), { code: 'BUNDLE_NOT_FOUND', message: /npm run setup/ });
  await publish(modelsDir, 'a');
  await publish(modelsDir, 'b');
  await activateBundle(modelsDir, 'a');
  t.equal(await readFile(join(modelsDir, 'current'), 'utf8'), 'a\n');
  await activateBundle(modelsDir, 'b');
  t.equal(await currentBundleId(modelsDir), 'b');
  t.equal((await readBundle(modelsDir)).manifest.id, 'b');
  t.strictSame((await readdir(modelsDir)).sort(), ['a', 'activations.jsonl', 'b', 'current']);
});

t.test('a bundle that cannot be read is not activated', async (t) => {
  const modelsDir = folder(t);
  await publish(modelsDir, 'a');
  await publish(modelsDir, 'b');
  await activateBundle(modelsDir, 'a');
  await truncate(join(modelsDir, 'b', 'chunks.jsonl'), 1);
  await t.rejects(activateBundle(modelsDir, 'b'), { code: 'BUNDLE_INVALID' });
  await t.rejects(activateBundle(modelsDir, 'none'), { code: 'BUNDLE_NOT_FOUND' });
  t.equal(await currentBundleId(modelsDir), 'a');
});

t.test('ids that are paths are refused, in arguments and in the file', async (t) => {
  const modelsDir = folder(t);
  await publish(modelsDir, 'a');
  for (const id of [
    '../models/a',
    'a/../a',
    '/etc',
    '..',
    '.',
    'a\\b',
    'a b',
    '-a',
    'a'.repeat(101),
    'a\nb',
  ]) {
    await t.rejects(readBundle(modelsDir, id), { code: 'BUNDLE_NOT_FOUND' }, id);
    await t.rejects(activateBundle(modelsDir, id), { code: 'BUNDLE_NOT_FOUND' }, id);
    await writeFile(join(modelsDir, 'current'), `${id}\n`);
    await t.rejects(readBundle(modelsDir), { code: 'BUNDLE_NOT_FOUND' }, id);
  }
});

t.test('damage is found: at once what is missing or cut, on verification what was changed', async (t) => {
  const modelsDir = folder(t);
  for (const [id, size] of [
    ['cut', 2],
    ['grown', 5],
  ] as const) {
    await publish(modelsDir, id);
    await truncate(join(modelsDir, id, 'chunks.jsonl'), size);
    await t.rejects(readBundle(modelsDir, id), {
      code: 'BUNDLE_INVALID',
      message: new RegExp(`chunks.jsonl has ${size} bytes, expected 3`),
    });
  }
  await publish(modelsDir, 'moved');
  await writeFile(join(modelsDir, 'moved', 'manifest.json'), JSON.stringify(fakeManifest('other')));
  await t.rejects(readBundle(modelsDir, 'moved'), { code: 'BUNDLE_INVALID', message: /'other'.*'moved'/ });
  await writeFile(join(modelsDir, 'moved', 'manifest.json'), '{');
  await t.rejects(readBundle(modelsDir, 'moved'), { code: 'BUNDLE_INVALID', message: /not JSON/ });

  await publish(modelsDir, 'lost');
  const lost = await readFile(join(modelsDir, 'lost', 'manifest.json'), 'utf8');
  await writeFile(join(modelsDir, 'lost', 'manifest.json'), lost.replaceAll('chunks.jsonl', 'gone.jsonl'));
  await t.rejects(readBundle(modelsDir, 'lost'), {
    code: 'BUNDLE_INVALID',
    message: /gone\.jsonl is missing/,
  });

  await publish(modelsDir, 'changed');
  await writeFile(join(modelsDir, 'changed', 'bm25', 'values.f32'), Buffer.from([1, 2, 4]));
  const bundle = await readBundle(modelsDir, 'changed');
  await t.rejects(verifyBundle(bundle), {
    code: 'BUNDLE_CHECKSUM',
    message: /bm25\/values\.f32/,
    data: { path: 'bm25/values.f32' },
  });
});

t.test('files are listed by relative path, sorted, whatever their depth', async (t) => {
  const dir = t.testdir({ b: '', a: { c: '', d: { e: '' } }, empty: {} });
  t.strictSame(await filesBelow(dir), [join('a', 'c'), join('a', 'd', 'e'), 'b']);
});

t.test('what cannot be published as a file is refused, not left out in silence', async (t) => {
  const modelsDir = folder(t);
  const staging = await createStagingFolder(modelsDir);
  await writeFile(join(staging, 'real'), '');
  await symlink(join(staging, 'real'), join(staging, 'link'));
  await t.rejects(publishBundle(modelsDir, staging, fakeManifest('a')), {
    code: 'BUNDLE_INVALID',
    message: /link/,
  });
});

t.test('a file is replaced whole, and a failure leaves the old one', async (t) => {
  const dir = t.testdir({ file: 'old', folder: {} });
  await writeAtomically(join(dir, 'file'), 'new');
  t.equal(await readFile(join(dir, 'file'), 'utf8'), 'new');
  await t.rejects(writeAtomically(join(dir, 'folder'), 'x'));
  t.strictSame((await readdir(dir)).sort(), ['file', 'folder'], 'no temporary file stays behind');
});

t.test('two writes at once leave one whole text', async (t) => {
  const dir = t.testdir({});
  const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
  await Promise.all(texts.map((text) => writeAtomically(join(dir, 'file'), text)));
  t.ok(texts.includes(await readFile(join(dir, 'file'), 'utf8')));
  t.strictSame(await readdir(dir), ['file']);
});

t.test('a hash is that of the whole file', async (t) => {
  const dir = t.testdir({ file: 'abc' });
  t.equal(
    await hashFile(join(dir, 'file')),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});

t.test('publishing that is stopped leaves what is there', async (t) => {
  const modelsDir = folder(t);
  await publish(modelsDir, 'a');
  const staging = await createStagingFolder(modelsDir);
  await writeFile(join(staging, 'chunks.jsonl'), 'other text');
  const stopped = publishBundle(modelsDir, staging, fakeManifest('a'), { signal: AbortSignal.abort() });
  await t.rejects(stopped, { name: 'AbortError' });
  t.equal(await readFile(join(modelsDir, 'a', 'chunks.jsonl'), 'utf8'), 'one');
});

t.test('how a bundle answers can be changed, what it holds stays', async (t) => {
  const modelsDir = folder(t);
  await publish(modelsDir, 'a');
  const before = await readBundle(modelsDir, 'a');
  const { answering } = before.manifest;
  await updateManifest(before, { answering: { ...answering, evidencePassages: 3 } });
  const after = await readBundle(modelsDir, 'a');
  t.strictSame(after.manifest, { ...before.manifest, answering: { ...answering, evidencePassages: 3 } });
  await verifyBundle(after);
  await t.rejects(updateManifest(after, { answering: { ...answering, mode: 'label' } }), {
    code: 'BUNDLE_INVALID',
    message: /has no student/,
  });
  t.strictSame((await readBundle(modelsDir, 'a')).manifest, after.manifest);
});
