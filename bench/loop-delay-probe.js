/**
 * Preloaded into a server (`node --import=bench/loop-delay-probe.js …`): measures the event-loop delay of every
 * process of the program. On SIGUSR2 it writes what it saw since the last signal to
 * `$HAETAE_BENCH_PROBE.<pid>.json` (seq, count, p50Ms, p99Ms, maxMs) and starts anew.
 *
 * A sample is the time between two turns of a 1 ms timer, less that millisecond.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const prefix = process.env.HAETAE_BENCH_PROBE;
if (prefix) {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  let seq = 0;
  /** @param {number} nanoseconds */
  const delayMs = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - 1);
  process.on('SIGUSR2', () => {
    seq += 1;
    const path = `${prefix}.${process.pid}.json`;
    const seen = {
      seq,
      count: histogram.count,
      p50Ms: delayMs(histogram.percentile(50)),
      p99Ms: delayMs(histogram.percentile(99)),
      maxMs: delayMs(histogram.max),
    };
    histogram.reset();
    writeFileSync(`${path}.tmp`, JSON.stringify(seen));
    renameSync(`${path}.tmp`, path);
  });
}
