import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { listDataFiles } from '../../../training/data/data-files.js';

t.test('a folder gives the data files below it, sorted, by names relative to it', async (t) => {
  const folder = t.testdir({
    'b.jsonl': '',
    a: { 'z.md': '', 'y.txt.gz': '', '.hidden.md': '' },
    '.git': { 'x.txt': '' },
    'c.JSONL.GZ': '',
    'picture.png': '',
    'weights.jsonl.bak': '',
  });
  t.strictSame(
    (await listDataFiles([folder])).map(({ name, format }) => `${name} ${format}`),
    ['a/y.txt.gz text', 'a/z.md text', 'b.jsonl jsonl', 'c.JSONL.GZ jsonl'],
  );
});

t.test('files of one name keep their paths', async (t) => {
  const folder = t.testdir({ a: { 'x.txt': '' }, b: { 'x.txt': '', 'y.txt': '' } });
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  const names = (await listDataFiles([a, b])).map(({ name }) => name);
  t.strictSame(names, [join(a, 'x.txt'), join(b, 'x.txt'), 'y.txt']);
});

t.test('what cannot be data is an error', async (t) => {
  const folder = t.testdir({ empty: {}, 'x.txt': '', 'x.pdf': '' });
  await symlink(join(folder, 'x.txt'), join(folder, 'again.txt'));
  const rejects = (paths: string[], message: RegExp) =>
    t.rejects(listDataFiles(paths), { code: 'TRAINING_DATA_INVALID', message });
  await rejects([], /no path is given/);
  await rejects([join(folder, 'none')], /cannot be opened/);
  await rejects([join(folder, 'empty')], /holds no data files\. Known are \.jsonl/);
  await rejects([join(folder, 'x.pdf')], /kind of file is not known/);
  await rejects([join(folder, 'x.txt'), join(folder, 'again.txt')], /the file is given twice/);
});
