import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { placeFolder, removePartial } from '../../../training/model-stages/place-folder.js';

t.test('the folder is there whole, in the place of what was, and takes no room', async (t) => {
  const root = t.testdir({
    from: { 'config.json': '1', onnx: { 'model.onnx': '2' } },
    to: { 'old.json': '0' },
    'to.0.partial': { left: 'by a kill' },
  });
  await placeFolder(join(root, 'from'), join(root, 'to'));
  t.equal(await readFile(join(root, 'to/onnx/model.onnx'), 'utf8'), '2');
  t.equal((await stat(join(root, 'to/config.json'))).ino, (await stat(join(root, 'from/config.json'))).ino);
  for (const gone of ['to/old.json', 'to.0.partial']) {
    await t.rejects(stat(join(root, gone)), { code: 'ENOENT' });
  }
});

t.test('stopped, it leaves what was there; what is left of it goes with the next', async (t) => {
  const root = t.testdir({ from: { a: '1' }, to: { b: '2' } });
  const signal = AbortSignal.abort(new Error('stopped'));
  await t.rejects(placeFolder(join(root, 'from'), join(root, 'to'), signal), { message: 'stopped' });
  t.equal(await readFile(join(root, 'to/b'), 'utf8'), '2');
  await mkdir(join(root, 'to.7f.partial'));
  await writeFile(join(root, 'to.7f.partial/a'), '');
  await mkdir(join(root, 'together.partial'));
  await removePartial(join(root, 'to'));
  await t.rejects(stat(join(root, 'to.7f.partial')), { code: 'ENOENT' });
  await stat(join(root, 'together.partial'));
});
