import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { lockRun } from '../../../training/run/run-lock.js';

t.test('one process has the folder; when it gives it back, the next takes it', async (t) => {
  const folder = t.testdir({});
  const unlock = await lockRun(folder);
  await t.rejects(lockRun(folder), {
    code: 'CONFIG_INVALID',
    message: new RegExp(`^Process ${process.pid} is training into`),
  });
  await unlock();
  t.strictSame(await readdir(folder), []);
  await (await lockRun(folder))();
});

t.test('of many that ask at once, one gets it', async (t) => {
  const folder = t.testdir({});
  const asked = await Promise.allSettled(Array.from({ length: 8 }, () => lockRun(folder)));
  t.equal(asked.filter(({ status }) => status === 'fulfilled').length, 1);
});

t.test('the lock of a process that is gone, or whose id another has now, is taken over', async (t) => {
  const gone = [
    { pid: 2 ** 22 + 1, startedAt: '1' },
    { pid: process.pid, startedAt: '1' },
  ];
  for (const owner of [...gone.map((it) => JSON.stringify(it)), '', '{"pid":-1}', 'null']) {
    const folder = t.testdir({});
    await writeFile(join(folder, 'run.lock'), owner);
    await (await lockRun(folder))();
  }
});
