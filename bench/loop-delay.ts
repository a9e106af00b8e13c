/** Asks the probe in a server (`loop-delay-probe.js`) what it saw. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerProcess } from './server-process.js';

export interface LoopDelay {
  seq: number;
  count: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** What the probe in the API process saw since the last call. */
export async function loopDelay({ pid }: ServerProcess, prefix: string): Promise<LoopDelay> {
  const path = `${prefix}.${pid}.json`;
  const read = async (): Promise<LoopDelay | null> =>
    readFile(path, 'utf8').then(
      (text) => JSON.parse(text) as LoopDelay,
      () => null,
    );
  const before = (await read())?.seq ?? 0;
  process.kill(pid, 'SIGUSR2');
  for (let waited = 0; waited < 5_000; waited += 10) {
    const seen = await read();
    if (seen !== null && seen.seq > before) return seen;
    await sleep(10);
  }
  throw new Error('the probe in the server did not answer');
}
