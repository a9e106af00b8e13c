import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import { readSchedule } from '../../../training/schedule/read-schedule.js';

const pipeline = { name: 'tiny-pipeline', student: { from: 'models/x' }, distill: { teacher: 'models/y' } };

async function read(t: Test, content: object, env: Record<string, string> = {}) {
  const folder = t.testdir({ 'tiny.json': JSON.stringify(pipeline), 'broken.json': '{ "name": 1 }' });
  const text = stringify(content).replaceAll('PIPELINE', join(folder, 'tiny.json'));
  const path = join(folder, 'schedule.yaml');
  await writeFile(path, text.replaceAll('BROKEN', join(folder, 'broken.json')));
  return readSchedule(path, env);
}

const least = { name: 'nightly', pipeline: 'PIPELINE', cron: '0 3 * * *' };

t.test('a job gets its defaults; its output folder is named after the pipeline', async (t) => {
  const { jobs, history, stopGraceMs } = await read(t, { jobs: [{ ...least, timezone: 'Asia/Seoul' }] });
  t.equal(history, resolve('data/work/schedule'));
  t.equal(stopGraceMs, 120_000);
  t.match(jobs, [
    {
      name: 'nightly',
      pipeline: /\/tiny\.json$/u,
      out: resolve('data/work/training/tiny-pipeline'),
      when: '0 3 * * * (Asia/Seoul)',
      timeZone: 'Asia/Seoul',
      cron: { hours: [3], minutes: [0] },
      intervalMs: null,
      runOnStart: false,
      overlap: 'queue',
      retry: { attempts: 1, delayMs: 300_000, factor: 2 },
      timeoutMs: null,
      webhook: null,
    },
  ]);
});

t.test('the example is a schedule, also with what is commented out in it', async (t) => {
  const example = await readFile('training/runs/schedule.yaml', 'utf8');
  const path = join(t.testdir({}), 'schedule.yaml');
  await writeFile(path, example.replace(/^( {4})# (webhook:| {2}\w+:)/gmu, '$1$2'));
  const { jobs } = await readSchedule(path, { HOOK_TOKEN: 'x', HOOK_SECRET: 'y' });
  t.match(jobs, [{ name: 'nightly', webhook: { on: ['published', 'rejected', 'failed'], secret: 'y' } }]);
});

t.test('lengths of time are read, and secrets come from the environment', async (t) => {
  const { jobs, stopGraceMs } = await read(
    t,
    {
      stopGrace: '30s',
      jobs: [
        {
          ...{ name: 'often', pipeline: 'PIPELINE', interval: '6h', runOnStart: true, overlap: 'skip' },
          ...{ out: 'elsewhere', timeout: '2h', retry: { attempts: 3, delay: 500, factor: 1.5 } },
          webhook: {
            url: 'https://example.org/hook',
            headers: [{ name: 'Authorization', env: 'HOOK_TOKEN' }],
            ...{ secretEnv: 'HOOK_SECRET', on: ['failed'] },
          },
        },
      ],
    },
    { HOOK_TOKEN: 'Bearer x', HOOK_SECRET: 'y' },
  );
  t.equal(stopGraceMs, 30_000);
  t.match(jobs[0], {
    when: 'at the start, every 6h',
    intervalMs: 21_600_000,
    runOnStart: true,
    overlap: 'skip',
    out: resolve('elsewhere'),
    timeoutMs: 7_200_000,
    retry: { attempts: 3, delayMs: 500, factor: 1.5 },
    webhook: {
      url: 'https://example.org/hook',
      headers: { Authorization: 'Bearer x' },
      secret: 'y',
      on: ['failed'],
    },
  });
});

t.test('what does not fit is said by job, field, what came and what is allowed', async (t) => {
  const job = (more: object) => ({ jobs: [{ ...least, ...more }] });
  const webhook = (more: object) => job({ webhook: { url: 'https://example.org', ...more } });
  const table: [object, RegExp][] = [
    [{}, /jobs is missing/u],
    [{ jobs: [] }, /jobs is an empty list/u],
    [{ jobs: [{ name: 'x', cron: '* * * * *' }] }, /job x: pipeline is missing/u],
    [{ ...job({}), histroy: 'x' }, /histroy is no field that is known here: did you mean history\?/u],
    [job({ corn: 'x' }), /job nightly: corn is no field that is known here: did you mean cron\?/u],
    [job({ name: 'a b' }), /jobs\.0\.name is "a b", allowed are letters/u],
    [{ jobs: [least, least] }, /jobs\.1\.name is nightly, as of another job/u],
    [job({ interval: '6h' }), /job nightly: cron and interval are both there: give one/u],
    [
      { jobs: [{ name: 'x', pipeline: 'PIPELINE' }] },
      /job x: cron is missing: give it, or interval, or runOnStart/u,
    ],
    [
      job({ cron: '0 25 * * *' }),
      /job nightly: cron is "0 25 \* \* \*", which has "25" as hour, allowed is/u,
    ],
    [job({ cron: '@daily' }), /job nightly: cron is "@daily", which has 1 fields, allowed are 5/u],
    [
      job({ timezone: 'Asia/Soul' }),
      /job nightly: timezone is "Asia\/Soul", allowed is an IANA name, e\.g\. Asia\/Seoul/u,
    ],
    [
      { jobs: [{ name: 'x', pipeline: 'PIPELINE', interval: '1h', timezone: 'UTC' }] },
      /timezone is there without cron/u,
    ],
    [
      { jobs: [{ name: 'x', pipeline: 'PIPELINE', interval: 'often' }] },
      /job x: interval is "often", allowed is a length of time/u,
    ],
    [{ jobs: [{ name: 'x', pipeline: 'PIPELINE', interval: 999 }] }, /job x: interval is 999.*at least 1s/u],
    [job({ timeout: '400d' }), /job nightly: timeout is "400d".*at most 365d/u],
    [
      job({ retry: { attempts: 0 } }),
      /job nightly: retry\.attempts is 0, allowed is a whole number from 1 to 100/u,
    ],
    [job({ overlap: 'wait' }), /job nightly: overlap is "wait", allowed is one of queue, skip/u],
    [
      webhook({ url: 'ftp://x' }),
      /job nightly: webhook\.url is "ftp:\/\/x", allowed is a http or https URL/u,
    ],
    [webhook({ on: ['ended'] }), /job nightly: webhook\.on\.0 is "ended"/u],
    [
      webhook({ secretEnv: 'NOT_SET' }),
      /job nightly: webhook\.secretEnv is NOT_SET, which is not set in the environment/u,
    ],
    [
      webhook({ headers: [{ name: 'a b', env: 'SET' }] }),
      /webhook\.headers\.0 is no header: its name is "a b"/u,
    ],
    [
      webhook({ headers: [{ name: 'a', env: 'TWO_LINES' }] }),
      /headers\.0 is no header: .*TWO_LINES, not shown/u,
    ],
    [job({ pipeline: 'BROKEN' }), /job nightly: pipeline: .*broken\.json: name is 1/u],
    [{ stopGrace: 'soon', jobs: [least] }, /stopGrace is "soon"/u],
  ];
  for (const [content, message] of table) {
    await t.rejects(
      read(t, content, { SET: 'x', TWO_LINES: 'x\ny-secret' }),
      { code: 'CONFIG_INVALID', message },
      String(message),
    );
  }
  await t.rejects(read(t, job({ pipeline: 'absent.yaml' })), {
    code: 'FILE_NOT_FOUND',
    message: /job nightly: pipeline: /,
  });
  await t.rejects(readSchedule('/nowhere/schedule.yaml', {}), { code: 'FILE_NOT_FOUND' });
  await t.rejects(readSchedule('/nowhere/schedule.txt', {}), { message: /a schedule is \.ts/u });
});
