import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { buildApp } from '../../../api/app.js';
import { readConfig } from '../../../api/config.js';
import { noPid, runningNow, runRecord, writeRunRecord } from '../../fixtures/run-records.js';
import { StubEngine } from '../../fixtures/stub-engine.js';

const key = 'an-administrators-key';
const authorization = `Bearer ${key}`;
const trainProgram = {
  path: fileURLToPath(new URL('../../fixtures/fake-train-run.mjs', import.meta.url)),
  execArgv: [],
};
const id = '20250731T093000Z-abcd';

async function start(t: Test, configs: Record<string, string[]> = {}) {
  const folder = t.testdir({
    configs: Object.fromEntries(
      Object.entries(configs).map(([name, does]) => [`${name}.json`, JSON.stringify({ name, does })]),
    ),
    runs: {},
  });
  const env = {
    HAETAE_TRAINING_DIR: join(folder, 'runs'),
    HAETAE_TRAINING_CONFIGS: join(folder, 'configs'),
    HAETAE_ADMIN_KEY: key,
  };
  const app = await buildApp({ config: readConfig(env), engine: new StubEngine(), trainProgram });
  t.teardown(() => app.close());
  const post = (payload: object, headers: object = { authorization }) =>
    app.inject({ method: 'POST', url: '/training/runs', payload, headers: { ...headers } });
  const stop = (runId: string) =>
    app.inject({ method: 'POST', url: `/training/runs/${runId}/stop`, headers: { authorization } });
  const get = (path = '') => app.inject(`/training/runs${path}`);
  /** Looks again until `status` is there. */
  const becomes = async (runId: string, status: string) => {
    for (;;) {
      const run = (await get(`/${runId}`)).json();
      if (run.status === status) return run;
      await sleep(20);
    }
  };
  return { app, runs: join(folder, 'runs'), post, stop, get, becomes };
}

t.test('runs are listed newest first, in short, with filters', async (t) => {
  const { runs, get } = await start(t);
  t.strictSame((await get()).json(), { runs: [], unreadable: 0 });
  await writeRunRecord(runs, runRecord(id));
  await writeRunRecord(
    runs,
    runRecord('20250801T000000Z-0000', {
      ...runningNow(process.pid),
      heartbeatAt: new Date().toISOString(),
      stages: [
        {
          ...runRecord(id).stages[0]!,
          id: 'distill-1',
          status: 'running',
          progress: { label: 'steps', done: 3, total: 9 },
        },
      ],
    }),
  );
  const { runs: listed } = (await get()).json();
  t.match(listed, [
    {
      runId: '20250801T000000Z-0000',
      status: 'running',
      stage: { id: 'distill-1', progress: { done: 3, total: 9 } },
      stale: false,
    },
    { runId: id, pipeline: 'tiny', status: 'published', bundleId: 'tiny-1', stage: null },
  ]);
  t.notOk('stages' in listed[1] || 'config' in listed[1] || 'pid' in listed[1]);
  t.equal((await get('?limit=1')).json().runs.length, 1);
  t.strictSame((await get('?status=published&pipeline=tiny')).json().runs.length, 1);
  t.strictSame((await get('?pipeline=other')).json().runs, []);
  for (const query of ['limit=0', 'limit=201', 'limit=x', 'limit=1&limit=2', 'status=odd', 'what=1']) {
    t.match((await get(`?${query}`)).json(), { code: 'REQUEST_INVALID' }, query);
  }
});

t.test('one run is shown whole; a killed one as interrupted and stale', async (t) => {
  const { runs, get } = await start(t);
  await writeRunRecord(runs, runRecord(id, runningNow(noPid)));
  t.strictSame((await get(`/${id}`)).json(), {
    ...runRecord(id, runningNow(noPid)),
    status: 'interrupted',
    stale: true,
  });
  for (const other of ['20250731T093000Z-zzzz', 'x', '..%2f..', '%00']) {
    const reply = await get(`/${other}`);
    t.equal(reply.statusCode, 404, other);
    t.match(reply.json(), { code: 'TRAINING_RUN_NOT_FOUND' });
  }
});

t.test('a report is a page that may do nothing but be looked at', async (t) => {
  const { runs, get } = await start(t);
  const folder = await writeRunRecord(runs, runRecord(id));
  t.match((await get(`/${id}/report`)).json(), { code: 'NOT_FOUND' });
  await writeFile(join(folder, 'report.html'), '<!doctype html><script>alert(1)</script>');
  const reply = await get(`/${id}/report`);
  t.equal(reply.statusCode, 200);
  t.equal(reply.headers['content-type'], 'text/html; charset=utf-8');
  t.match(reply.headers['content-security-policy'], /^default-src 'none';.*sandbox$/u);
  t.equal(reply.headers['x-content-type-options'], 'nosniff');
  t.equal(reply.body, '<!doctype html><script>alert(1)</script>');
});

t.test('a log is shown by its end, and nothing but logs of stages is', async (t) => {
  const { runs, get } = await start(t);
  const folder = await writeRunRecord(runs, runRecord(id));
  await writeFile(join(folder, 'logs/respond-1.log'), 'first\nsecond\nthird\n');
  const reply = await get(`/${id}/logs/respond-1`);
  t.equal(reply.headers['content-type'], 'text/plain; charset=utf-8');
  t.equal(reply.body, 'first\nsecond\nthird\n');
  t.equal((await get(`/${id}/logs/respond-1?bytes=8`)).body, 'third\n');
  t.match((await get(`/${id}/logs/distill-1`)).json(), { code: 'NOT_FOUND' });
  for (const stage of ['..%2frun.json', '..', 'a.b', 'RESPOND', 'respond-1.log', '%2fetc%2fpasswd']) {
    t.ok([400, 404].includes((await get(`/${id}/logs/${stage}`)).statusCode), stage);
  }
  for (const query of ['bytes=0', 'bytes=1e3', 'bytes=1048577']) {
    t.equal((await get(`/${id}/logs/respond-1?${query}`)).statusCode, 400, query);
  }
});

t.test('a run is started only with the key', async (t) => {
  const { post, get, app } = await start(t, { tiny: ['publish'] });
  t.equal((await post({ config: 'tiny' }, {})).statusCode, 401);
  t.equal(
    (await post({ config: 'tiny' }, { authorization: 'Bearer another-key-altogether' })).statusCode,
    401,
  );
  t.equal((await post({ not: 'even looked at' }, {})).statusCode, 401);
  t.equal((await app.inject({ method: 'POST', url: `/training/runs/${id}/stop` })).statusCode, 401);
  t.strictSame((await get()).json().runs, []);
});

t.test('what cannot be started is refused with the reason', async (t) => {
  const { post } = await start(t, { odd: ['refuse'] });
  for (const config of ['', '../odd', 'a/b', '.odd', 'x'.repeat(101)]) {
    t.match((await post({ config })).json(), { code: 'REQUEST_INVALID', errors: [{ field: '/config' }] });
  }
  t.match((await post({ config: 'none' })).json(), { status: 400, detail: /none is not there/u });
  t.match((await post({ config: 'odd', other: 1 })).json(), { errors: [{ field: '/other' }] });
  t.match((await post({ config: 'odd', from: '--help' })).json(), { errors: [{ field: '/from' }] });
  t.match((await post({ config: 'odd' })).json(), {
    code: 'REQUEST_INVALID',
    detail: /did not start: .*index\.queries is -1/u,
  });
});

t.test('a run is started, can be looked at, blocks others of its pipeline, and is stopped', async (t) => {
  const { post, stop, runs, becomes } = await start(t, { tiny: ['wait', 'publish'] });
  const [first, second] = await Promise.all([
    post({ config: 'tiny', from: 'respond' }),
    post({ config: 'tiny' }),
  ]);
  const [started, refused] = first.statusCode === 202 ? [first, second] : [second, first];
  t.match(refused.json(), { status: 409, code: 'TRAINING_RUNNING' });
  const { runId, pipeline } = started.json();
  t.equal(pipeline, 'tiny');
  t.equal(started.headers.location, `/training/runs/${runId}`);
  t.match(await becomes(runId, 'running'), { trigger: 'api', pipeline: 'tiny', stale: false });
  t.equal((await post({ config: 'tiny' })).statusCode, 409);
  const console = await readFile(join(runs, 'tiny/console', `${runId}.log`), 'utf8');
  t.match(console, `tiny wait --out ${join(runs, 'tiny')} --run-id ${runId} --trigger api`);

  t.strictSame((await stop(runId)).json(), { runId, status: 'running', stopping: true });
  await becomes(runId, 'interrupted');
  t.strictSame((await stop(runId)).json(), { runId, status: 'interrupted', stopping: false });
  t.match((await stop(id)).json(), { code: 'TRAINING_RUN_NOT_FOUND' });

  const again = await post({ config: 'tiny' });
  t.equal(again.statusCode, 202);
  t.match(await becomes(again.json().runId, 'published'), { bundleId: 'tiny-1' });
});

t.test('a process that only has the id of a run that is gone is not hit', async (t) => {
  const { runs, stop } = await start(t);
  await writeRunRecord(
    runs,
    runRecord(id, { ...runningNow(process.pid), heartbeatAt: new Date().toISOString() }),
  );
  const hit = once(process, 'SIGTERM').then(() => true);
  t.match((await stop(id)).json(), { stopping: false });
  t.notOk(await Promise.race([hit, sleep(50)]));
  process.emit('SIGTERM');
});
