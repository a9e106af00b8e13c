import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { runSummaryLines } from '../../../training/report/run-summary.js';
import { sampleRecord, writeSampleRun } from './sample-run.js';

t.test(
  'each stage has a line with its status, time and figures; then the outcome, the report and what is next',
  async (t) => {
    const { record, workFolder, out } = await writeSampleRun(t.testdir({}));
    const lines = await runSummaryLines(record, workFolder);
    t.match(lines[0], /^prepare {5}unchanged {2,}documents 234, chunks 11,842$/u);
    t.match(lines[3], /^pretrain {4}done .* 2 min 51 s {2}loss 4\.127$/u);
    const [outcome, report, next] = lines.slice(-3);
    t.equal(outcome, 'Published finance-guide-3c9a');
    t.match(report, new RegExp(`^report: .*/runs/${record.runId}/report\\.html$`, 'u'));
    t.match(next, /^next: haetae serve --models-dir .*\/models$/u);
    t.ok(out.endsWith(next?.split(' ').at(-1)?.split('/').at(-2) ?? '?'));
  },
);

t.test('bundles in a folder of their own are served from there', async (t) => {
  const { record, workFolder, runFolder } = await writeSampleRun(t.testdir({}));
  await mkdir(runFolder, { recursive: true });
  await writeFile(join(runFolder, 'config.json'), JSON.stringify({ publish: { models: '/srv/bundles' } }));
  t.equal((await runSummaryLines(record, workFolder)).at(-1), 'next: haetae serve --models-dir /srv/bundles');
  await writeFile(join(runFolder, 'config.json'), '{');
  t.match((await runSummaryLines(record, workFolder)).at(-1), /\/models$/u);
});

t.test('a run that did not come to its end says how to go on', async (t) => {
  const base = sampleRecord();
  const stages = base.stages.map((stage) => ({
    ...stage,
    ...(stage.id === 'sft'
      ? { status: 'failed' as const, error: { code: 'OUT_OF_MEMORY', message: 'too much\n\u001b[31mfor it' } }
      : {}),
  }));
  const failed = await runSummaryLines(
    { ...base, stages, status: 'failed', outcome: 'failed in sft' },
    'out/work',
  );
  t.match(
    failed.find((line) => line.startsWith('sft')),
    /OUT_OF_MEMORY: too much \[31mfor it$/u,
    'in one line, unsteered',
  );
  t.equal(failed.at(-1), "next: haetae train run 'training/runs/finance guide.ts' --out out");
  const interrupted = await runSummaryLines({ ...base, status: 'interrupted' }, 'out/work');
  t.match(interrupted.at(-1), /^next: haetae train run/u);
  const rejected = await runSummaryLines({ ...base, status: 'rejected' }, 'out/work');
  t.match(rejected.at(-1), /^report: /u, 'nothing to do but read');
});

t.test('what did not run has no line; figures that the record lacks come from the summary', async (t) => {
  const { record, workFolder } = await writeSampleRun(t.testdir({}));
  const stages = record.stages.map((stage) => ({
    ...stage,
    figures: {},
    status: stage.id === 'index' ? ('left-out' as const) : stage.status,
  }));
  const lines = await runSummaryLines({ ...record, stages }, workFolder);
  t.notOk(lines.some((line) => line.startsWith('index')));
  t.match(lines[0], 'documents 234');
  t.strictSame((await runSummaryLines({ ...record, stages: [] }, workFolder)).length, 3);
  await writeFile(join(workFolder, 'prepare', 'summary.json'), '{');
  t.match((await runSummaryLines({ ...record, stages }, workFolder))[0], /^prepare {5}unchanged$/u);
});
