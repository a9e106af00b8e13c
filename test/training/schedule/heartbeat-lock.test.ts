import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { processIdentity } from '../../../shared/training-run/process-identity.js';
import { lockHolder, takeHeartbeatLock } from '../../../training/schedule/heartbeat-lock.js';
import { FakeClock } from '../../fixtures/fake-clock.js';
import { noPid } from '../../fixtures/run-records.js';

const began = Date.UTC(2025, 6, 31);

function setUp(t: Test) {
  const clock = new FakeClock();
  const now = () => new Date(began + clock.now());
  const lost: string[] = [];
  const folder = t.testdir({});
  const path = join(folder, 'run.lock');
  const take = (purpose = 'nightly') =>
    takeHeartbeatLock(path, { purpose, clock, now, onLost: (message) => lost.push(message) });
  /** Lets the file system do what a beat asks for. */
  const advance = async (ms: number) => {
    for (let left = ms; left > 0; left -= 1_000) {
      await clock.advance(Math.min(left, 1_000));
      await stat(folder);
      await stat(folder);
    }
  };
  return { clock, now, lost, folder, path, take, advance };
}

const isLock = (value: object): value is { release(): Promise<void> } => 'release' in value;

t.test('one has the lock, the next learns who and what for; what is given back can be taken', async (t) => {
  const { take, folder, path, now } = setUp(t);
  const lock = await take();
  t.ok(isLock(lock));
  const holder = { ...(await processIdentity(process.pid)), host: hostname(), purpose: 'nightly' };
  t.strictSame(await take('weekly'), holder);
  t.strictSame(await lockHolder(path, now()), holder);
  if (isLock(lock)) await lock.release();
  t.strictSame(await readdir(folder), []);
  const next = await take();
  t.ok(isLock(next));
  if (isLock(next)) await next.release();
});

t.test('of many that find a stale lock at once, one gets it', async (t) => {
  const { take, path } = setUp(t);
  await writeFile(path, JSON.stringify({ pid: noPid, startedAt: '1', host: hostname(), purpose: 'old' }));
  const taken = (await Promise.all(Array.from({ length: 8 }, () => take()))).filter(isLock);
  t.equal(taken.length, 1);
  await taken[0]?.release();
});

t.test('a holder that beats keeps the lock for any time', async (t) => {
  const { take, advance, lost } = setUp(t);
  const lock = await take();
  for (let i = 0; i < 4; i++) {
    await advance(20_000);
    t.notOk(isLock(await take('weekly')));
  }
  t.strictSame(lost, []);
  if (isLock(lock)) await lock.release();
});

t.test('a lock that is not touched is taken over after half a minute, and its holder is told', async (t) => {
  const { clock, now, path, lost, advance } = setUp(t);
  const stopped = new FakeClock(); // the holder hangs: no timer of it fires
  const options = { now, purpose: 'slow', onLost: (message: string) => lost.push(message) };
  const first = await takeHeartbeatLock(path, { ...options, clock: stopped });
  t.ok(isLock(first));
  await advance(30_000);
  t.match(await takeHeartbeatLock(path, { ...options, clock }), { purpose: 'slow' });
  await advance(1);
  const second = await takeHeartbeatLock(path, { ...options, purpose: 'quick', clock });
  t.ok(isLock(second));
  await stopped.advance(5_000);
  while (lost.length === 0) await stat(path);
  t.match(lost, [/another process has it now/u]);
  if (isLock(first)) await first.release();
  t.match(await lockHolder(path, now()), { purpose: 'quick' }, 'what it gives back is no longer its own');
  if (isLock(second)) await second.release();
});

t.test(
  'the lock of a process that is gone is taken at once; on another machine only its silence tells',
  async (t) => {
    const { take, path, now } = setUp(t);
    const write = async (host: string) => {
      await writeFile(path, JSON.stringify({ pid: noPid, startedAt: '1', host, purpose: 'old' }));
      await utimes(path, now(), now());
    };
    await write(`not-${hostname()}`);
    t.match(await take(), { pid: noPid, host: `not-${hostname()}` });
    await write(hostname());
    const lock = await take();
    t.ok(isLock(lock));
    if (isLock(lock)) await lock.release();
  },
);

t.test('what is no lock is held by nobody', async (t) => {
  const { take, path, now } = setUp(t);
  for (const text of ['', '{', 'null', '{"pid":0}']) {
    await writeFile(path, text);
    await utimes(path, now(), now());
    const lock = await take();
    t.ok(isLock(lock), text);
    if (isLock(lock)) await lock.release();
  }
});
