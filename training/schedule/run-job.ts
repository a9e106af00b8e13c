/**
 * The worker thread of a job that has come due: it watches over the process of the pipeline, and loads nothing native,
 * so that it can be ended at any time. It is asked to stop by the message 'cancel', and ends when the run has.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../shared/clock.js';
import { type RunOrder, runScheduled } from './run-scheduled.js';

const stop = new AbortController();
parentPort?.on('message', (message: unknown) => {
  if (message === 'cancel') stop.abort(new Error('The schedule was stopped.'));
});
try {
  await runScheduled(workerData as RunOrder, {
    ...{ clock: systemClock, now: () => new Date(), random: Math.random, signal: stop.signal },
    log: (line) => process.stdout.write(`${line}\n`),
  });
} finally {
  parentPort?.close();
}
