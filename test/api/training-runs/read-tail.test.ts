import { symlink } from 'node:fs/promises';
import t from 'tap';
import { readTail } from '../../../api/training-runs/read-tail.js';

t.test('the end of a text is whole lines, and whole characters', async (t) => {
  const folder = t.testdir({ log: '첫째 줄\n둘째 줄\n셋째 줄\n', line: 'abcdef', empty: '' });
  t.equal(await readTail(`${folder}/log`, 1_000), '첫째 줄\n둘째 줄\n셋째 줄\n');
  t.equal(await readTail(`${folder}/log`, 20), '셋째 줄\n');
  t.equal(await readTail(`${folder}/line`, 3), 'def');
  t.equal(await readTail(`${folder}/empty`, 3), '');
});

t.test('a link is not followed', async (t) => {
  const folder = t.testdir({ secret: 'x' });
  await symlink(`${folder}/secret`, `${folder}/log`);
  await t.rejects(readTail(`${folder}/log`, 10), { code: 'ELOOP' });
  await t.rejects(readTail(`${folder}/absent`, 10), { code: 'ENOENT' });
});
