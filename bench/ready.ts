/** From the start of the compiled program to the first 200 of /livez and of /readyz; median of several starts. */
import { median, treeMemory } from './measure.js';
import type { BenchOptions, PartReport } from './report.js';
import { startServerProcess } from './server-process.js';

export async function benchReady({ quick, environment }: BenchOptions): Promise<PartReport> {
  const lives: number[] = [];
  const readies: number[] = [];
  const memories: number[] = [];
  const repeats = quick ? 1 : 5;
  // the first start fills the page cache and does not count
  for (let i = -1; i < repeats; i++) {
    const server = await startServerProcess({ environment });
    try {
      const [live, ready] = await Promise.all([server.waitFor('/livez'), server.waitFor('/readyz')]);
      if (i < 0) continue;
      lives.push(live);
      readies.push(ready);
      memories.push((await treeMemory(server.pid))?.rssMb ?? Number.NaN);
    } finally {
      await server.stop();
    }
  }
  return {
    figures: [
      { key: 'liveMs', value: median(lives), note: 'start to the first 200 of /livez' },
      {
        key: 'readyMs',
        value: median(readies),
        budget: { atMost: 1500 },
        note: 'start to the first 200 of /readyz',
      },
      { key: 'readyMaxMs', value: Math.max(...readies) },
      { key: 'idleRssMb', value: median(memories), note: 'API and engine, just ready' },
    ],
    notes: [`median of ${repeats} starts, after one that does not count`],
  };
}
