import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { isAlive, processIdentity } from '../../../shared/training-run/process-identity.js';
import { takeHeartbeatLock } from '../../../training/schedule/heartbeat-lock.js';
import { addToHistory, readHistory } from '../../../training/schedule/history.js';
import { recoverLost } from '../../../training/schedule/recover-lost.js';
import { FakeClock } from '../../fixtures/fake-clock.js';
import { noPid } from '../../fixtures/run-records.js';
import { historyEntry } from '../../fixtures/scheduled-job.js';

const running = {
  status: 'running',
  endedAt: null,
  durationMs: null,
  outcome: null,
  bundleId: null,
} as const;

function setUp(t: Test, stopGraceMs = 1_000) {
  const history = t.testdir({});
  const clock = new FakeClock();
  const now = () => new Date(Date.UTC(2025, 6, 31, 4) + clock.now());
  const lines: string[] = [];
  const recover = (lost?: ReadonlySet<string>) =>
    recoverLost(history, { clock, now, stopGraceMs, log: (line) => lines.push(line) }, lost);
  return { history, clock, now, lines, recover };
}

async function leftProcess(t: Test, code: string) {
  const child = spawn(process.execPath, ['-e', `${code}; setInterval(() => {}, 1000); console.log('up')`]);
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const identity = await processIdentity(child.pid as number);
  return { identity, exited: once(child, 'exit') };
}

/** Real processes take real time to end: the clock moves on while they do. */
async function advanceUntilDone<T>(clock: FakeClock, work: Promise<T>, stepMs: number): Promise<T> {
  let done = false;
  const end = work.finally(() => {
    done = true;
  });
  while (!done) {
    await clock.advance(stepMs);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return end;
}

t.test('an entry that says running is settled once; others are left', async (t) => {
  const { history, recover, lines } = setUp(t);
  await addToHistory(history, historyEntry({ id: 'done' }));
  await addToHistory(
    history,
    historyEntry({ id: 'lost', runId: 'x', process: { pid: noPid, startedAt: '1' }, ...running }),
  );
  const settled = await recover();
  t.match(settled, [
    {
      id: 'lost',
      status: 'interrupted',
      endedAt: '2025-07-31T04:00:00.000Z',
      durationMs: 3_599_000,
      process: null,
    },
  ]);
  t.strictSame((await readHistory(history)).entries, [historyEntry({ id: 'done' }), ...settled]);
  t.strictSame(await recover(), []);
  t.equal(lines.length, 1);
});

t.test('a process that is left is asked to stop, and given time to', async (t) => {
  const { history, recover, clock } = setUp(t, 3_600_000);
  const { identity, exited } = await leftProcess(t, "process.on('SIGTERM', () => process.exit(7))");
  await addToHistory(history, historyEntry({ id: 'lost', process: identity, ...running }));
  t.match(await advanceUntilDone(clock, recover(), 100), [{ status: 'interrupted' }]);
  t.strictSame(await exited, [7, null]);
});

t.test('one that does not hear is killed', async (t) => {
  const { history, recover, clock } = setUp(t);
  const { identity, exited } = await leftProcess(t, "process.on('SIGTERM', () => {})");
  await addToHistory(history, historyEntry({ id: 'lost', process: identity, ...running }));
  t.match(await advanceUntilDone(clock, recover(), 100), [{ status: 'interrupted' }]);
  t.strictSame(await exited, [null, 'SIGKILL']);
});

t.test('another process that has its id now is not touched', async (t) => {
  const { history, recover } = setUp(t);
  const { identity } = await leftProcess(t, '0');
  const process = { ...identity, startedAt: '1' };
  await addToHistory(history, historyEntry({ id: 'lost', process, ...running }));
  t.match(await recover(), [{ status: 'interrupted' }]);
  t.ok(await isAlive(identity));
});

t.test('a run whose lock is held is at work, unless it is known to be lost', async (t) => {
  const { history, recover, clock, now } = setUp(t);
  await addToHistory(history, historyEntry({ id: 'at-work', ...running }));
  const onLost = () => t.fail('lost');
  const lock = await takeHeartbeatLock(join(history, 'run.lock'), { purpose: 'at-work', clock, now, onLost });
  t.strictSame(await recover(), []);
  t.match(await recover(new Set(['at-work'])), [{ id: 'at-work', status: 'interrupted' }]);
  if ('release' in lock) await lock.release();
});
