import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { processIdentity } from '../../../shared/training-run/process-identity.js';
import { lockOwner, takeProcessLock } from '../../../shared/training-run/process-lock.js';

t.test('one process has the lock, and the next knows whose it is', async (t) => {
  const folder = t.testdir({});
  const path = join(folder, 'run.lock');
  t.equal(await lockOwner(path), null);
  const lock = await takeProcessLock(path);
  t.strictSame(await lockOwner(path), await processIdentity(process.pid));
  t.match(await takeProcessLock(path), { pid: process.pid });
  t.ok('release' in lock);
  if ('release' in lock) await lock.release();
  t.strictSame(await readdir(folder), []);
});

t.test('of many that find a stale lock at once, one gets it', async (t) => {
  const folder = t.testdir({ 'run.lock': '{"pid":4194305,"startedAt":"1"}' });
  const taken = await Promise.all(
    Array.from({ length: 8 }, () => takeProcessLock(join(folder, 'run.lock')).catch(() => null)),
  );
  t.equal(taken.filter((lock) => lock && 'release' in lock).length, 1);
});

t.test('the lock of a killed process is taken over, even before its parent has noticed', async (t) => {
  const folder = t.testdir({});
  const path = join(folder, 'run.lock');
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
  await writeFile(path, JSON.stringify(await processIdentity(child.pid as number)));
  t.match(await takeProcessLock(path), { pid: child.pid });
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.equal(await lockOwner(path), null);
  t.ok('release' in (await takeProcessLock(path)));
});

t.test('what is no lock is held by nobody', async (t) => {
  for (const text of ['', 'null', '{}', '{"pid":-1}', '{"pid":"1"}', '{"pid":1,"startedAt":{}}', '[1']) {
    t.equal(await lockOwner(join(t.testdir({ 'run.lock': text }), 'run.lock')), null, text);
  }
});
