import { access, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { seededRandom } from '../../../shared/random.js';
import { isAlive } from '../../../shared/training-run/process-identity.js';
import { takeHeartbeatLock } from '../../../training/schedule/heartbeat-lock.js';
import { type HistoryEntry, addToHistory, readHistory } from '../../../training/schedule/history.js';
import { type RunOrder, runScheduled } from '../../../training/schedule/run-scheduled.js';
import type { ScheduledJob } from '../../../training/schedule/scheduled-job.js';
import { FakeClock } from '../../fixtures/fake-clock.js';
import { noPid, runRecord } from '../../fixtures/run-records.js';
import { historyEntry, scheduledJob } from '../../fixtures/scheduled-job.js';

const program = {
  path: fileURLToPath(new URL('../../fixtures/fake-train-run.mjs', import.meta.url)),
  execArgv: [],
};
const began = Date.UTC(2025, 6, 31, 3);

/** Runs of a program that does, one after the other, what `does` says. */
function setUp(t: Test, ...does: string[]) {
  const folder = t.testdir({ 'tiny.json': JSON.stringify({ name: 'tiny', does }) });
  const history = join(folder, 'history');
  const out = join(folder, 'out');
  const clock = new FakeClock();
  const now = () => new Date(began + clock.now());
  const random = seededRandom(7);
  const stop = new AbortController();
  const lines: string[] = [];
  const run = (more: Partial<ScheduledJob> = {}, order: Partial<RunOrder> = {}): Promise<HistoryEntry> =>
    runScheduled(
      {
        ...{ id: '20250731T030000Z-0000', trigger: 'cron', dueAt: now().toISOString() },
        job: scheduledJob({ pipeline: join(folder, 'tiny.json'), out, ...more }),
        ...{ history, stopGraceMs: 60_000, program, ...order },
      },
      { clock, now, random, signal: stop.signal, log: (line) => lines.push(line) },
    );
  const until = async (what: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await what())) await sleep(10);
  };
  const isThere = (path: string) => () =>
    access(path).then(
      () => true,
      () => false,
    );
  /** Until the run has said that it waits for SIGTERM. */
  const waits = () => until(isThere(join(out, 'waiting')));
  const timer = (ms: number) => until(() => clock.waiting().includes(ms));
  return { folder, history, out, clock, now, stop, lines, run, until, waits, timer };
}

t.test(
  'a run is a process with the arguments of a schedule; what came of it is in the history',
  async (t) => {
    const { run, history, out, lines } = setUp(t, 'publish');
    const entry = await run();
    t.match(entry, {
      id: '20250731T030000Z-0000',
      job: 'nightly',
      trigger: 'cron',
      status: 'published',
      attempts: 1,
      runId: '20250731T030000Z-0000',
      bundleId: 'tiny-1',
      outcome: 'Published tiny-1.',
      error: null,
      process: null,
      log: join(history, 'logs/20250731T030000Z-0000.log'),
    });
    t.ok(entry.startedAt && entry.endedAt && entry.durationMs !== null);
    t.match(
      await readFile(entry.log as string, 'utf8'),
      `tiny publish --out ${out} --run-id ${entry.runId} --trigger schedule`,
    );
    t.strictSame((await readHistory(history)).entries, [entry]);
    t.strictSame((await readdir(history)).sort(), ['history.jsonl', 'logs'], 'the lock is given back');
    t.match(lines, [
      /^nightly: run 20250731T030000Z-0000 begins/u,
      /^nightly: published after .*Published tiny-1/u,
    ]);
  },
);

t.test('a gate that says no, and a run without anything to publish, are no failures', async (t) => {
  for (const [act, status] of [
    ['reject', 'rejected'],
    ['finish', 'finished'],
  ]) {
    const { run } = setUp(t, act as string, 'publish');
    t.match(await run({ retry: { attempts: 3, delayMs: 1, factor: 1 } }), {
      status,
      attempts: 1,
      bundleId: null,
      error: null,
    });
  }
});

t.test(
  'a run that fails, dies or is refused is run again, later each time, as a run of its own',
  async (t) => {
    const { run, timer, clock, lines, history } = setUp(t, 'fail', 'crash', 'refuse', 'publish');
    const running = run({ retry: { attempts: 4, delayMs: 10_000, factor: 3 } });
    for (const delay of [10_000, 30_000, 90_000]) {
      await timer(delay);
      await clock.advance(delay);
    }
    const entry = await running;
    t.match(entry, { status: 'published', attempts: 4, error: null, bundleId: 'tiny-1' });
    t.equal(entry.durationMs, 130_000);
    const logs = await readdir(join(history, 'logs'));
    t.equal(logs.length, 4);
    t.ok(logs.includes(`${entry.runId}.log`) && entry.runId !== entry.id);
    const again = lines.filter((line) => line.includes('again in'));
    t.match(again, [
      /attempt 1 of 4 failed, again in 10 s \(TRAINING_STAGE_FAILED: prepare failed: no documents\)/u,
      /attempt 2 of 4 failed, again in 30 s \(was ended by SIGKILL\)/u,
      /attempt 3 of 4 failed, again in 90 s \(haetae: CONFIG_INVALID: .*index\.queries is -1/u,
    ]);
  },
);

t.test('after its last attempt a run has failed, with the reason', async (t) => {
  const { run, timer, clock } = setUp(t, 'fail');
  const running = run({ retry: { attempts: 2, delayMs: 1_000, factor: 2 } });
  await timer(1_000);
  await clock.advance(1_000);
  t.match(await running, {
    status: 'failed',
    attempts: 2,
    error: 'TRAINING_STAGE_FAILED: prepare failed: no documents',
  });
});

t.test('stopped, the run is asked to stop, waited for, and written down as interrupted', async (t) => {
  const { run, stop, waits, history, out } = setUp(t, 'wait');
  const running = run({ retry: { attempts: 3, delayMs: 1, factor: 1 } });
  await waits();
  const [entry] = (await readHistory(history)).entries;
  t.match(entry, { status: 'running', attempts: 1, endedAt: null, runId: '20250731T030000Z-0000' });
  t.equal(String(entry?.process?.pid), await readFile(join(out, 'waiting'), 'utf8'));
  t.ok(entry?.process && (await isAlive(entry.process)));
  stop.abort();
  t.match(await running, {
    status: 'interrupted',
    attempts: 1,
    error: 'the schedule was stopped',
    process: null,
  });
  t.equal(await readFile(join(out, 'signals'), 'utf8'), 'SIGTERM\n', 'asked once');
});

t.test('a run that does not hear is killed when its time to stop is over', async (t) => {
  const { run, stop, waits, until, clock, out, history } = setUp(t, 'ignore');
  const running = run();
  await waits();
  stop.abort();
  await until(async () => (await readFile(join(out, 'signals'), 'utf8').catch(() => '')) !== '');
  const [entry] = (await readHistory(history)).entries;
  await clock.advance(59_000);
  t.ok(entry?.process && (await isAlive(entry.process)));
  await clock.advance(1_000);
  t.match(await running, { status: 'interrupted' });
  t.notOk(entry?.process && (await isAlive(entry.process)));
});

t.test('a run that takes too long is stopped and has failed', async (t) => {
  const { run, waits, clock } = setUp(t, 'wait', 'publish');
  const running = run({ timeoutMs: 300_000 });
  await waits();
  await clock.advance(300_000);
  t.match(await running, {
    status: 'failed',
    error: /^it took longer than 300 s, and ended with exit code 130/u,
  });
});

t.test('a run that somebody else stops is interrupted, and not run again', async (t) => {
  const { run, waits, out } = setUp(t, 'wait', 'publish');
  const running = run({ retry: { attempts: 3, delayMs: 1, factor: 1 } });
  await waits();
  process.kill(Number(await readFile(join(out, 'waiting'), 'utf8')), 'SIGTERM');
  t.match(await running, { status: 'interrupted', attempts: 1, error: 'it was stopped from outside' });
});

t.test('stopped between two attempts, it stays failed', async (t) => {
  const { run, stop, timer } = setUp(t, 'fail', 'publish');
  const running = run({ retry: { attempts: 2, delayMs: 60_000, factor: 1 } });
  await timer(60_000);
  stop.abort();
  t.match(await running, { status: 'failed', attempts: 1 });
});

t.test('a program that is not there has failed', async (t) => {
  const { run } = setUp(t, 'publish');
  t.match(await run({}, { program: { path: '/nowhere/program.mjs', execArgv: [] } }), {
    status: 'failed',
    bundleId: null,
  });
});

t.test('while another process runs a job, this one waits for its turn, or is left out', async (t) => {
  const { run, history, clock, now, timer, lines } = setUp(t, 'publish');
  await addToHistory(history, historyEntry({ id: 'other', status: 'finished' }));
  const held = () =>
    takeHeartbeatLock(join(history, 'run.lock'), {
      purpose: 'other',
      clock,
      now,
      onLost: () => t.fail('lost'),
    });
  const lock = await held();
  t.match(await run({ overlap: 'skip' }), {
    status: 'skipped',
    outcome: /^left out: run other of process \d+ is at work/u,
    startedAt: null,
    attempts: 0,
    runId: null,
  });
  const waiting = run({}, { id: '20250731T030000Z-1111' });
  await timer(1_000);
  await clock.advance(1_000);
  await timer(1_000);
  t.match(lines.filter((line) => line.includes('waits')).length, 1);
  if ('release' in lock) await lock.release();
  await clock.advance(1_000);
  t.match(await waiting, { status: 'published' });
});

t.test('one that waits for its turn can be stopped', async (t) => {
  const { run, history, clock, now, stop, timer } = setUp(t, 'publish');
  await addToHistory(history, historyEntry({ id: 'other' }));
  const lock = await takeHeartbeatLock(join(history, 'run.lock'), {
    ...{ purpose: 'other', clock, now },
    onLost: () => t.fail('lost'),
  });
  const waiting = run();
  await timer(1_000);
  stop.abort();
  t.match(await waiting, { status: 'skipped', outcome: /stopped before its turn/u });
  if ('release' in lock) await lock.release();
});

t.test('a run whose lock has gone to another stops', async (t) => {
  const { run, waits, until, clock, history, lines } = setUp(t, 'wait');
  const running = run();
  await waits();
  await rm(join(history, 'run.lock'));
  await writeFile(join(history, 'run.lock'), '{}');
  await clock.advance(5_000);
  const entry = await running;
  t.match(entry, { status: 'interrupted', error: /another process has it now/u });
  await until(() => lines.some((line) => line.includes('interrupted')));
});

t.test('runs that a killed scheduler has left are settled before the next begins', async (t) => {
  const { run, history, out, lines } = setUp(t, 'publish');
  const lost = (id: string) =>
    historyEntry({
      id,
      runId: id,
      out,
      status: 'running',
      endedAt: null,
      durationMs: null,
      outcome: null,
      bundleId: null,
    });
  const dead = { pid: noPid, startedAt: '1' };
  await addToHistory(history, { ...lost('20250730T030000Z-dead'), process: dead });
  await addToHistory(history, { ...lost('20250730T040000Z-done'), process: dead });
  const record = runRecord('20250730T040000Z-done', { finishedAt: '2025-07-31T03:00:31.000Z' });
  await mkdir(join(out, 'runs/20250730T040000Z-done'), { recursive: true });
  await writeFile(join(out, 'runs/20250730T040000Z-done/run.json'), JSON.stringify(record));
  await run();
  const { entries } = await readHistory(history);
  t.match(entries, [
    {
      id: '20250730T030000Z-dead',
      status: 'interrupted',
      error: 'The scheduler was gone while it ran.',
      process: null,
    },
    { id: '20250730T040000Z-done', status: 'published', bundleId: 'tiny-1', durationMs: 30_000, error: null },
    { id: '20250731T030000Z-0000', status: 'published' },
  ]);
  t.match(lines[0], /^nightly: run 20250730T030000Z-dead was left by a scheduler that is gone: interrupted/u);
});
