import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { addToHistory } from '../../../training/schedule/history.js';
import { runHaetae } from '../../fixtures/run-haetae.js';
import { historyEntry } from '../../fixtures/scheduled-job.js';

async function setUp(t: Test, cron = '0 3 * * *') {
  const pipeline = { name: 'tiny', student: { from: 'models/x' }, distill: { teacher: 'models/y' } };
  const folder = t.testdir({ 'tiny.json': JSON.stringify(pipeline) });
  const job = { name: 'nightly', pipeline: join(folder, 'tiny.json'), cron, timezone: 'Asia/Seoul' };
  const path = join(folder, 'schedule.json');
  await writeFile(path, JSON.stringify({ history: join(folder, 'history'), jobs: [job] }));
  return { path, history: join(folder, 'history') };
}

t.test('--list shows when jobs come due next', async (t) => {
  const { path } = await setUp(t);
  const { code, out } = await runHaetae({ args: ['schedule', path, '--list', '--json'] });
  t.equal(code, 0);
  const [job] = JSON.parse(out);
  t.match(job, {
    job: 'nightly',
    when: '0 3 * * * (Asia/Seoul)',
    next: [/T18:00:00\.000Z$/u, /T18:/u, /T18:/u],
  });
});

t.test('--history shows the last runs, whatever the jobs are now', async (t) => {
  const { path, history } = await setUp(t, 'not cron any more');
  await addToHistory(history, historyEntry({ id: 'a', outcome: 'first' }));
  await addToHistory(history, historyEntry({ id: 'b', outcome: 'second' }));
  const { code, out } = await runHaetae({ args: ['schedule', path, '--history', '--limit', '1'] });
  t.equal(code, 0);
  t.match(out, /^2025-07-31T03:00:00Z {2}nightly {2}published .* second\n$/u);
});

t.test('a schedule that is not right, and a job that is not there, are said', async (t) => {
  const { path } = await setUp(t, '0 25 * * *');
  const wrong = await runHaetae({ args: ['schedule', path] });
  t.equal(wrong.code, 1);
  t.match(
    wrong.err,
    /^haetae: CONFIG_INVALID: .*job nightly: cron is "0 25 \* \* \*", which has "25" as hour/u,
  );
  const { path: right } = await setUp(t);
  const absent = await runHaetae({ args: ['schedule', right, '--run', 'weekly'] });
  t.equal(absent.code, 2);
  t.match(absent.err, /^haetae: USAGE: There is no job weekly in this schedule; it has nightly\./u);
});
