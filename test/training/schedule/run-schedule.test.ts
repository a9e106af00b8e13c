/** With Bree, its worker threads and real processes; the clock is real too, so there are few tests here. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { isAlive } from '../../../shared/training-run/process-identity.js';
import { type HistoryEntry, readHistory } from '../../../training/schedule/history.js';
import type { ScheduledJob } from '../../../training/schedule/scheduled-job.js';
import { scheduledJob } from '../../fixtures/scheduled-job.js';

const program = fileURLToPath(new URL('../../fixtures/schedule-process.ts', import.meta.url));

async function setUp(t: Test, jobs: Record<string, Partial<ScheduledJob> & { does: string[] }>) {
  const folder = t.testdir({});
  const history = join(folder, 'history');
  const all: ScheduledJob[] = [];
  for (const [name, { does, ...more }] of Object.entries(jobs)) {
    const pipeline = join(folder, `${name}.json`);
    await writeFile(pipeline, JSON.stringify({ name, does }));
    all.push(scheduledJob({ name, pipeline, out: join(folder, name), ...more }));
  }
  const path = join(folder, 'schedule.json');
  await writeFile(path, JSON.stringify({ jobs: all, history, stopGraceMs: 20_000 }));
  const children: ChildProcess[] = [];
  t.teardown(() => {
    for (const child of children) child.kill('SIGKILL');
  });
  const start = () => {
    const child = spawn(process.execPath, ['--import=tsx', program, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    return { child, said: text(child.stdout), exited: once(child, 'exit') };
  };
  const entries = async (): Promise<HistoryEntry[]> => (await readHistory(history)).entries;
  const until = async (what: () => Promise<boolean>) => {
    while (!(await what())) await sleep(20);
  };
  const waits = (job: string) =>
    until(() =>
      access(join(folder, job, 'waiting')).then(
        () => true,
        () => false,
      ),
    );
  return { folder, history, start, entries, until, waits };
}

t.test('jobs run by the clock, one at a time, until the schedule is asked to stop', async (t) => {
  const { folder, history, start, entries, waits } = await setUp(t, {
    first: { does: ['publish'], runOnStart: true },
    second: { does: ['reject', 'wait'], intervalMs: 1_000 },
  });
  const { child, said, exited } = start();
  await waits('second');
  const other = start();
  t.strictSame(await other.exited, [1, null], 'one schedule for one history');
  t.match(await other.said, new RegExp(`Process ${child.pid} on .* runs a schedule`, 'u'));
  child.kill('SIGTERM');
  t.strictSame(await exited, [0, null]);

  const done = await entries();
  t.match(
    done.filter(({ job }) => job === 'first'),
    [{ trigger: 'start', status: 'published', bundleId: 'first-1' }],
  );
  const second = done.filter(({ job, status }) => job === 'second' && status !== 'skipped');
  t.match(second, [
    { trigger: 'interval', status: 'rejected' },
    { trigger: 'interval', status: 'interrupted', error: 'the schedule was stopped' },
  ]);
  t.equal(await readFile(join(folder, 'second/signals'), 'utf8'), 'SIGTERM\n');
  const times = done
    .filter(({ startedAt }) => startedAt !== null)
    .map(({ startedAt, endedAt }) => [startedAt, endedAt] as [string, string])
    .sort();
  for (const [i, [begun]] of times.entries()) if (i > 0) t.ok(begun >= times[i - 1]![1], 'never two at once');
  t.match(await said, /stopping\n[\s\S]*second: interrupted/u);
  t.strictSame((await readdir(history)).sort(), ['history.jsonl', 'logs']);
});

t.test(
  'a scheduler that is killed in a run: the next one stops what is left, and writes it down',
  async (t) => {
    const { start, entries, until, waits } = await setUp(t, {
      nightly: { does: ['wait', 'publish'], runOnStart: true },
    });
    const killed = start();
    await waits('nightly');
    const [running] = await entries();
    killed.child.kill('SIGKILL');
    await killed.exited;
    t.match((await entries())[0], { status: 'running' });
    t.ok(running?.process && (await isAlive(running.process)), 'its run goes on alone');

    const next = start();
    await until(async () => (await entries()).some(({ status }) => status === 'published'));
    t.match(await entries(), [
      {
        id: running?.id as string,
        status: 'interrupted',
        error: 'The scheduler was gone while it ran.',
        process: null,
      },
      { trigger: 'start', status: 'published', bundleId: 'nightly-1' },
    ]);
    t.notOk(running?.process && (await isAlive(running.process)));
    next.child.kill('SIGTERM');
    t.strictSame(await next.exited, [0, null]);
    t.match(await next.said, /was left by a scheduler that is gone: interrupted/u);
  },
);
