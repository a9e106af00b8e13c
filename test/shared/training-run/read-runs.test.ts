import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { processIdentity } from '../../../shared/training-run/process-identity.js';
import { readRun, readRuns } from '../../../shared/training-run/read-runs.js';
import { noPid, runningNow, runRecord, writeRunRecord } from '../../fixtures/run-records.js';

const id = (second: number) => `20250731T0930${String(second).padStart(2, '0')}Z-abcd`;
const now = new Date('2025-07-31T09:32:00.000Z');

t.test('runs of all pipelines come newest first, as many as are asked for', async (t) => {
  const folder = t.testdir({});
  await writeRunRecord(folder, runRecord(id(1)));
  await writeRunRecord(folder, runRecord(id(2), { pipeline: 'large', status: 'rejected' }));
  await writeRunRecord(folder, runRecord(id(3)));
  const ids = async (query: object) =>
    (await readRuns(folder, { limit: 10, ...query }, now)).runs.map(({ record }) => record.runId);
  t.strictSame(await ids({}), [id(3), id(2), id(1)]);
  t.strictSame(await ids({ limit: 2 }), [id(3), id(2)]);
  t.strictSame(await ids({ pipeline: 'tiny', limit: 1 }), [id(3)]);
  t.strictSame(await ids({ status: 'rejected' }), [id(2)]);
  t.strictSame(await ids({ pipeline: 'other' }), []);
});

t.test(
  'what is no record is passed over and counted; what is no folder of a run is not looked at',
  async (t) => {
    const folder = t.testdir({ file: '', tiny: { runs: { 'notes.txt': '', other: {} } } });
    await writeRunRecord(folder, runRecord(id(1)));
    for (const [second, text] of [
      [2, '{'],
      [3, '{}'],
      [4, JSON.stringify(runRecord(id(5)))],
    ] as const) {
      const run = await writeRunRecord(folder, runRecord(id(second)));
      await writeFile(join(run, 'run.json'), text);
    }
    await mkdir(join(folder, 'tiny/runs', id(6)));
    const { runs, unreadable } = await readRuns(folder, { limit: 10 }, now);
    t.strictSame(
      runs.map(({ record }) => record.runId),
      [id(1)],
    );
    t.equal(unreadable, 4);
    t.strictSame(await readRuns(join(folder, 'nowhere'), { limit: 10 }, now), { runs: [], unreadable: 0 });
  },
);

t.test('a killed run is interrupted and stale, once it has been silent for a minute', async (t) => {
  const folder = t.testdir({});
  await writeRunRecord(folder, runRecord(id(1), runningNow(noPid)));
  const at = async (time: string) => {
    const { runs } = await readRuns(folder, { limit: 1 }, new Date(time));
    return [runs[0]?.record.status, runs[0]?.stale];
  };
  t.strictSame(await at('2025-07-31T09:32:00.000Z'), ['running', false]);
  t.strictSame(await at('2025-07-31T09:32:00.001Z'), ['interrupted', true]);
});

t.test('a silent run whose process lives and holds the lock is running', async (t) => {
  const folder = t.testdir({});
  await writeRunRecord(folder, runRecord(id(1), runningNow(process.pid)));
  const late = new Date('2025-08-31T00:00:00.000Z');
  t.equal((await readRun(folder, id(1), late))?.stale, true, 'the process has no lock: it is another one');
  await writeFile(join(folder, 'tiny/run.lock'), JSON.stringify(await processIdentity(process.pid)));
  t.match(await readRun(folder, id(1), late), { stale: false, record: { status: 'running' } });
});

t.test('one run is found by its id, in whatever pipeline, and by nothing else', async (t) => {
  const folder = t.testdir({ secret: { 'run.json': JSON.stringify(runRecord(id(1))) } });
  await writeRunRecord(folder, runRecord(id(2), { pipeline: 'large' }));
  t.match(await readRun(folder, id(2), now), {
    record: { pipeline: 'large' },
    folder: join(folder, 'large/runs', id(2)),
    pipelineFolder: join(folder, 'large'),
  });
  for (const other of [id(3), '', '..', '../../secret', `../runs/${id(2)}`]) {
    t.equal(await readRun(folder, other, now), null, other);
  }
});
