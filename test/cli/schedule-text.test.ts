import t from 'tap';
import { historyLines, jobLines, jobTimes } from '../../cli/schedule-text.js';
import { type Cron, parseCron } from '../../training/schedule/cron.js';
import { historyEntry, scheduledJob } from '../fixtures/scheduled-job.js';

t.test('jobs are listed with their next times', async (t) => {
  const jobs = [
    scheduledJob({
      when: '0 3 * * * (Asia/Seoul)',
      cron: parseCron('0 3 * * *') as Cron,
      timeZone: 'Asia/Seoul',
    }),
    scheduledJob({ name: 'often', when: 'every 6h', intervalMs: 1 }),
  ];
  t.strictSame(jobLines(jobTimes(jobs, new Date('2025-07-31T00:00:00Z'))), [
    'nightly  0 3 * * * (Asia/Seoul)  /nowhere/tiny.json',
    '  2025-07-31T18:00:00.000Z',
    '  2025-08-01T18:00:00.000Z',
    '  2025-08-02T18:00:00.000Z',
    'often  every 6h  /nowhere/tiny.json',
  ]);
});

t.test('a history is a line for each run, with the log of those that went wrong', async (t) => {
  const lines = historyLines([
    historyEntry(),
    historyEntry({
      ...{ job: 'a', status: 'failed', trigger: 'start', attempts: 3, durationMs: 5_400_000 },
      ...{ outcome: null, error: 'no documents', log: '/logs/1.log' },
    }),
    historyEntry({ status: 'skipped', durationMs: null, attempts: 0, outcome: 'left out', log: null }),
  ]);
  t.strictSame(lines, [
    '2025-07-31T03:00:00Z  nightly  published  cron   2 min 0 s               published tiny-1',
    '2025-07-31T03:00:00Z  a        failed     start  1 h 30 min  3 attempts  no documents  (/logs/1.log)',
    '2025-07-31T03:00:00Z  nightly  skipped    cron                           left out',
  ]);
  t.strictSame(historyLines([]), []);
});
