/** Runs that were killed could not write down that they ended: whoever holds the lock of the pipeline does it for them. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunRecord, runFileName } from '../../shared/training-run/run-record.js';
import { writeAtomically } from '../../shared/write-atomically.js';

/** @param runs folder of the pipeline's runs, none of which is at work now */
export async function settleKilledRuns(runs: string): Promise<void> {
  for (const name of await readdir(runs).catch(() => [])) {
    const path = join(runs, name, runFileName);
    let record: RunRecord;
    try {
      record = JSON.parse(await readFile(path, 'utf8')) as RunRecord;
    } catch {
      continue;
    }
    if (record.status !== 'running' || !Array.isArray(record.stages)) continue;
    for (const stage of record.stages) if (stage.status === 'running') stage.status = 'interrupted';
    record.status = 'interrupted';
    record.outcome = 'killed, and could not say so itself';
    record.finishedAt = record.heartbeatAt;
    await writeAtomically(path, `${JSON.stringify(record, null, 2)}\n`);
  }
}
