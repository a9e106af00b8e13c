/**
 * training/runs/tiny.ts as a user runs it, from the bundled documents to a bundle that an API at work takes up. What it
 * parses is shared with the set-up; anything else is made here.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { parseManifest } from '../../../shared/bundle/manifest.js';
import type { RunRecord } from '../../../shared/training-run/run-record.js';
import { haetae, startHaetae } from '../../fixtures/built-haetae.js';

t.setTimeout(600_000);

async function freePort(): Promise<string> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  return String(typeof address === 'object' ? address?.port : '');
}

t.test('the bundled documents become a bundle that a running API takes up', async (t) => {
  const out = t.testdir();
  const modelsDir = join(out, 'models');
  await mkdir(modelsDir);
  const port = await freePort();
  const api = startHaetae(['serve'], {
    ...{ PORT: port, HAETAE_MODELS_DIR: modelsDir, HAETAE_TRAINING_DIR: join(out, '..'), LOG_LEVEL: 'warn' },
  });
  t.teardown(() => api.child.kill('SIGKILL'));
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
  while ((await get('/livez'))?.status !== 200) await sleep(20);
  t.equal((await get('/readyz'))?.status, 503, 'it lives, and has nothing to serve yet');

  const run = await haetae(['train', 'run', 'training/runs/tiny.ts', '--out', out]);
  t.equal(run.code, 0, run.code === 0 ? 'the pipeline ends well' : run.err.slice(-3_000));
  const [runId = ''] = await readdir(join(out, 'runs'));
  const record = JSON.parse(await readFile(join(out, 'runs', runId, 'run.json'), 'utf8')) as RunRecord;
  t.equal(record.status, 'published');
  t.ok(
    record.stages.every(({ status }) => status === 'done'),
    record.stages.map(({ id, status }) => `${id} ${status}`).join(', '),
  );
  const seconds = (Date.parse(record.finishedAt!) - Date.parse(record.startedAt)) / 1_000;
  t.comment(`the pipeline took ${seconds.toFixed(0)} s`);
  const id = record.bundleId!;
  const verified = await haetae(['models', 'verify', id, '--models-dir', modelsDir]);
  t.equal(verified.code, 0, verified.err);
  const manifest = parseManifest(await readFile(join(modelsDir, id, 'manifest.json'), 'utf8'), 'manifest');
  t.ok(manifest.student, 'it has a student');
  t.ok(manifest.licences.length > 1, 'it says under which licences it is');

  while ((await get('/readyz'))?.status !== 200) await sleep(50);
  const question = await readFile('data/questions/dev_mc.csv', 'utf8').then(
    (text) => /"(다음[^"]*)"/u.exec(text)?.[1],
  );
  const answered = await fetch(`http://127.0.0.1:${port}/answer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ question }),
  });
  t.match(await answered.json(), { bundleId: id, usedFallback: false, answer: /^[1-5]$/u });
  t.match(await (await get('/models'))!.text(), new RegExp(id, 'u'));

  const again = await haetae(['train', 'run', 'training/runs/tiny.ts', '--out', out]);
  t.match(again.out, /nothing has changed/iu);

  const report = await readFile(join(out, 'runs', runId, 'report.html'), 'utf8');
  t.match(report, id, 'the report names the bundle');
  t.notMatch(report, /<script|https?:\/\/(?!www\.law\.go\.kr|github\.com|isms\.kisa)[^"]*\.(?:js|css)/u);
});
