import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { rawFiles } from '../../../training/prepare/raw-files.js';

t.test('plain files are listed in one order; hidden files and the table of sources are not', async (t) => {
  const dir = t.testdir({
    b: { 'z.md': 'z', 'a.md': 'a' },
    'a.md': 'a',
    '.hidden': 'x',
    'draft.md~': 'x',
    'sources.csv': 'x',
    ['한글.md'.normalize('NFD')]: 'x',
  });
  const { files, refused } = await rawFiles(dir, 100);
  t.same(
    files.map((file) => file.path),
    ['a.md', 'b/a.md', 'b/z.md', '한글.md'],
  );
  t.same(refused, []);
});

t.test(
  'links that leave the folder, broken links, links to folders and huge files are refused by name',
  async (t) => {
    const root = t.testdir({
      outside: { 'secret.txt': 'x' },
      raw: {
        'big.txt': 'x'.repeat(101),
        'inside.md': t.fixture('symlink', 'plain.md'),
        'plain.md': 'x',
        'secret.txt': t.fixture('symlink', '../outside/secret.txt'),
        'broken.md': t.fixture('symlink', 'nowhere.md'),
        loop: t.fixture('symlink', '.'),
        out: t.fixture('symlink', '../outside'),
      },
    });
    const { files, refused } = await rawFiles(join(root, 'raw'), 100);
    t.same(
      files.map((file) => file.path),
      ['inside.md', 'plain.md'],
    );
    t.same(refused.map((error) => [error.code, error.data.path]).sort(), [
      ['DOCUMENT_REFUSED', 'big.txt'],
      ['DOCUMENT_REFUSED', 'broken.md'],
      ['DOCUMENT_REFUSED', 'loop'],
      ['DOCUMENT_REFUSED', 'out'],
      ['DOCUMENT_REFUSED', 'secret.txt'],
    ]);
  },
);

t.test('a file whose name is not UTF-8 is refused, and the others are taken', async (t) => {
  const dir = t.testdir({ 'good.txt': 'x' });
  const name = Buffer.from([0x62, 0xff, 0xfe, 0x2e, 0x74, 0x78, 0x74]);
  try {
    await writeFile(Buffer.concat([Buffer.from(`${dir}/`), name]), 'x');
  } catch {
    t.pass('this file system takes no such name');
    return;
  }
  const { files, refused } = await rawFiles(dir, 100);
  t.same(
    files.map((file) => file.path),
    ['good.txt'],
  );
  t.match(refused, [{ code: 'DOCUMENT_REFUSED', message: /b\ufffd\ufffd\.txt .*UTF-8/u }]);
});

t.test('a missing folder and a file in its place are named', async (t) => {
  const dir = t.testdir({ file: 'x' });
  await t.rejects(rawFiles(join(dir, 'none'), 1), { code: 'FILE_NOT_FOUND', message: /none/u });
  await t.rejects(rawFiles(join(dir, 'file'), 1), { code: 'FILE_NOT_FOUND', message: /is a file/u });
});
