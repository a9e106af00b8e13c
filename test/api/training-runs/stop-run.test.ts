import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { stopRun } from '../../../api/training-runs/stop-run.js';
import { pipelineLockName, takeProcessLock } from '../../../shared/training-run/process-lock.js';
import { runningNow, runRecord } from '../../fixtures/run-records.js';

t.test('a run that is asked to stop twice is signalled once', async (t) => {
  const pipelineFolder = t.testdir();
  await takeProcessLock(join(pipelineFolder, pipelineLockName));
  const record = runRecord('20250731T093000Z-abcd', runningNow(process.pid));
  const run = { record, pipelineFolder, folder: pipelineFolder, stale: false };
  let signals = 0;
  const count = (): void => {
    signals += 1;
  };
  process.on('SIGTERM', count);
  t.teardown(() => process.off('SIGTERM', count));
  const asked = new Set<string>();
  t.ok(await stopRun(run, asked));
  t.ok(await stopRun(run, asked), 'it is being stopped all the same');
  // Signals arrive in the order in which they were sent.
  let isLast = false;
  process.once('SIGWINCH', () => {
    isLast = true;
  });
  process.kill(process.pid, 'SIGWINCH');
  while (!isLast) await nextTurn();
  t.equal(signals, 1);
});
