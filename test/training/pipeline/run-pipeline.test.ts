import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { Compile } from 'typebox/compile';
import { RunRecord } from '../../../shared/training-run/run-record.js';
import { planPipeline } from '../../../training/pipeline/plan-pipeline.js';
import { parsePipelineConfig } from '../../../training/pipeline/read-pipeline-config.js';
import { type RunPipelineOptions, runPipeline } from '../../../training/pipeline/run-pipeline.js';
import { fixtureEntry, fixtureStages } from '../../fixtures/pipeline-stages.js';

// Each run starts three processes.
t.setTimeout(300_000);

let runs = 0;

interface Options extends Partial<RunPipelineOptions> {
  questions?: number;
}

async function setUp(dir: string, lines: readonly string[]) {
  const raw = join(dir, 'lines');
  const out = join(dir, 'out');
  await writeFile(raw, lines.map((line) => `${line}\n`).join(''));
  const configOf = (questions = 1) =>
    parsePipelineConfig(
      { name: 'counting', prepare: { raw }, student: { from: 'x' }, sft: {}, validate: { questions } },
      'test',
    );
  const notes: string[] = [];
  const options = ({ questions, ...more }: Options = {}): RunPipelineOptions => ({
    ...{ stages: fixtureStages, entry: fixtureEntry, config: configOf(questions), configPath: 'test', out },
    ...{ runId: `20260101T000000Z-${String(runs++).padStart(4, '0')}`, trigger: 'command', selection: {} },
    ...{ force: false, threads: 1, env: {}, signal: new AbortController().signal },
    note: (line) => notes.push(line),
    onProgress: () => undefined,
    ...more,
  });
  return {
    ...{ raw, out, notes, options, configOf },
    run: (more?: Options) => runPipeline(options(more)),
    statuses: async (more?: Options) =>
      (await runPipeline(options(more))).record.stages.map(({ status }) => status).join(' '),
    worked: async () => (await readFile(join(out, 'work-done.txt'), 'utf8')).trim().split('\n'),
  };
}

t.test('a run works through its stages, and the next one has nothing to do', async (t) => {
  const it = await setUp(t.testdir(), ['one', 'two']);
  const { record, report } = await it.run();
  t.equal(record.status, 'published');
  t.equal(record.bundleId, 'lines-2');
  t.strictSame(
    record.stages.map(({ id, status }) => [id, status]),
    [
      ['prepare', 'done'],
      ['validate', 'done'],
      ['publish', 'done'],
    ],
  );
  t.same(record.stages[0]?.figures, { lines: 2 });
  t.match(await readFile(report, 'utf8'), /Published lines-2/u);
  const written = JSON.parse(await readFile(join(it.out, 'runs', record.runId, 'run.json'), 'utf8'));
  t.ok(Compile(RunRecord).Check(written), 'the record fits its schema');
  t.strictSame(written, record);
  t.match(
    await readFile(join(it.out, 'runs', record.runId, 'logs', 'prepare.log'), 'utf8'),
    'goes on at line 0',
  );

  const again = await it.run();
  t.strictSame(
    again.record.stages.map(({ status }) => status),
    ['unchanged', 'unchanged', 'unchanged'],
  );
  t.equal(again.record.status, 'published');
  t.equal(again.record.outcome, 'nothing has changed: lines-2 is what these inputs give');
  t.strictSame(await it.worked(), ['one', 'two'], 'nothing was done twice');
});

t.test('what has changed is made anew, and what only depends on the rest is not', async (t) => {
  const it = await setUp(t.testdir(), ['one', 'two']);
  await it.run();
  t.equal(await it.statuses({ questions: 2 }), 'unchanged done unchanged', 'the verdict is the same');
  await writeFile(it.raw, 'three\n');
  t.equal(await it.statuses({ questions: 1 }), 'done done done');
  t.strictSame(await it.worked(), ['one', 'two', 'three'], 'the folder was emptied before');
  await writeFile(join(it.out, 'work', 'prepare', 'lines.txt'), 'tampered\n');
  t.match(await it.statuses(), /^done/u, 'an output that is not what was written is made again');
  t.equal(await it.statuses({ force: true }), 'done done done');
});

t.test('a gate that says no leaves out what follows, also when nothing has changed', async (t) => {
  const it = await setUp(t.testdir(), ['one']);
  for (const first of ['done', 'unchanged']) {
    const { record } = await it.run({ questions: 5 });
    t.equal(record.status, 'rejected');
    t.equal(record.bundleId, null);
    t.equal(record.outcome, 'not published: 1 lines, 5 are asked for');
    t.strictSame(
      record.stages.map(({ status }) => status),
      [first, 'rejected', 'left-out'],
    );
  }
  await t.rejects(readFile(join(it.out, 'models', 'published')), { code: 'ENOENT' });
});

t.test('a gate that is left out still has to have said yes', async (t) => {
  const it = await setUp(t.testdir(), ['one']);
  const publish = (more?: Options) => it.run({ selection: { only: 'publish' }, ...more });
  const nothing = async () => t.rejects(readFile(join(it.out, 'models', 'published')), { code: 'ENOENT' });

  await it.run({ questions: 5 });
  for (const force of [false, true]) {
    const { record } = await publish({ questions: 5, force });
    t.equal(record.status, 'rejected');
    t.equal(record.outcome, 'not published: 1 lines, 5 are asked for');
    t.strictSame(
      record.stages.map(({ status }) => status),
      ['left-out', 'left-out', 'left-out'],
    );
  }
  await nothing();

  const unjudged =
    'not published: validate has not judged what is there now. Run it as well: --from validate';
  t.equal((await publish({ questions: 1 })).record.outcome, unjudged, 'other settings');
  await it.run({ selection: { to: 'validate' } });
  await rm(join(it.out, 'work', 'validate', 'stage.json'));
  t.equal((await publish()).record.outcome, unjudged, 'it was killed before it said anything');
  await it.run({ selection: { to: 'validate' } });
  await writeFile(it.raw, 'two\n');
  await it.run({ selection: { only: 'prepare' } });
  t.equal((await publish()).record.outcome, unjudged, 'it has judged something else');
  await nothing();
  t.equal(await it.statuses({ selection: { from: 'validate' } }), 'left-out done done');
});

t.test('only the stages that are asked for are run', async (t) => {
  const it = await setUp(t.testdir(), ['one']);
  await t.rejects(it.run({ selection: { from: 'validate' } }), { code: 'FILE_NOT_FOUND' });
  t.equal(await it.statuses({ selection: { to: 'validate' } }), 'done done left-out');
  t.equal((await it.run({ selection: { only: 'prepare' } })).record.status, 'finished');
  t.equal(await it.statuses({ selection: { from: 'publish' } }), 'left-out left-out done');
  for (const selection of [
    { only: 'prepare', to: 'publish' },
    { from: 'publish', to: 'prepare' },
    { only: 'distil' },
  ]) {
    await t.rejects(it.run({ selection }), { code: 'USAGE' });
  }
});

t.test('a stage that fails fails the run, which says why; the next run goes on', async (t) => {
  const it = await setUp(t.testdir(), ['one', 'broken', 'three']);
  await t.rejects(it.run(), { code: 'INTERNAL', message: 'line is broken' });
  const [name = ''] = await readdir(join(it.out, 'runs'));
  const record = JSON.parse(await readFile(join(it.out, 'runs', name, 'run.json'), 'utf8')) as RunRecord;
  t.match(record, { status: 'failed', error: { message: 'line is broken' }, outcome: 'failed in prepare' });
  t.equal(record.stages[0]?.status, 'failed');
  t.match(await readFile(join(it.out, 'runs', name, 'report.html'), 'utf8'), /line is broken/u);
  t.match(await readFile(join(it.out, 'runs', name, 'logs', 'prepare.log'), 'utf8'), /at .*pipeline-stages/u);
  t.same((await readdir(it.out)).includes('run.lock'), false, 'the lock is given back');
});

t.test(
  'a stage whose process is killed fails the run; the next one goes on from what was done',
  async (t) => {
    const it = await setUp(t.testdir(), ['one', 'die', 'three']);
    process.env.FIXTURE_MAY_DIE = 'yes';
    t.teardown(() => delete process.env.FIXTURE_MAY_DIE);
    await t.rejects(it.run(), { code: 'TRAINING_STAGE_FAILED', message: /SIGKILL/u });
    const { record } = await it.run();
    t.equal(record.status, 'published');
    t.strictSame(await it.worked(), ['one', 'die', 'three']);
    t.equal(await readFile(join(it.out, 'work', 'prepare', 'lines.txt'), 'utf8'), 'one!\ndie!\nthree!\n');
  },
);

t.test(
  'a run that is asked to stop keeps what it has, and what is done with other inputs begins anew',
  async (t) => {
    const it = await setUp(t.testdir(), ['one', 'wait', 'three']);
    const stop = new AbortController();
    const run = it.run({ signal: stop.signal });
    // Of two ticks within a moment only the first is told.
    while ((await it.worked().catch(() => [])).length < 2) await sleep(10);
    stop.abort();
    const { record } = await run;
    t.equal(record.status, 'interrupted');
    t.strictSame(
      record.stages.map(({ status }) => status),
      ['interrupted', 'pending', 'pending'],
    );
    const plan = await planPipeline(it.options());
    t.strictSame(
      plan.map(({ what }) => what),
      ['go on', 'run', 'run'],
    );
    await writeFile(it.raw, 'two\n');
    t.equal((await it.run()).record.status, 'published');
    t.equal(await readFile(join(it.out, 'work', 'prepare', 'lines.txt'), 'utf8'), 'two!\n');
  },
);

t.test('a plan says what would be run, and writes nothing', async (t) => {
  const it = await setUp(t.testdir(), ['one']);
  const what = async (more?: Options) => (await planPipeline(it.options(more))).map((stage) => stage.what);
  t.strictSame(await what(), ['run', 'run', 'run']);
  t.strictSame(await planPipeline(it.options()).then(([first]) => first?.facts), [['lines', 'some']]);
  await t.rejects(readdir(it.out), { code: 'ENOENT' });
  await it.run();
  t.strictSame(await what(), ['unchanged', 'unchanged', 'unchanged']);
  t.strictSame(await what({ questions: 2 }), ['unchanged', 'run', 'run']);
  t.strictSame(await what({ selection: { only: 'publish' }, force: true }), ['left out', 'left out', 'run']);
});

t.test('a bundle that others made active is compared with; one that the pipeline made is not', async (t) => {
  const it = await setUp(t.testdir(), ['one']);
  await it.run();
  const models = join(it.out, 'models');
  const activate = async (id: string) => {
    await mkdir(join(models, id), { recursive: true });
    await writeFile(join(models, id, 'manifest.json'), JSON.stringify(manifestOf(id)));
    await writeFile(join(models, 'current'), `${id}\n`);
  };
  await activate('lines-1');
  t.equal(await it.statuses(), 'unchanged unchanged unchanged', 'its own');
  const verdict = () => readFile(join(it.out, 'work', 'validate', 'verdict.txt'), 'utf8');
  await it.run({ selection: { only: 'validate' }, force: true });
  t.equal(await verdict(), '1 against null', 'done once more, it is not compared with itself');
  t.equal(await it.statuses(), 'unchanged unchanged unchanged');
  await activate('another');
  t.equal(await it.statuses(), 'unchanged done done');
  t.equal(await verdict(), '1 against another');
});

t.test('one run at a time in a folder; a run that was killed holds up nobody', async (t) => {
  const it = await setUp(t.testdir(), ['one', 'wait']);
  const pipeline = await startElsewhere(it.raw, it.out);
  t.teardown(() => pipeline.kill('SIGKILL'));
  while ((await it.worked().catch(() => [])).length < 2) await sleep(10);
  await t.rejects(it.run(), {
    code: 'TRAINING_RUNNING',
    message: new RegExp(`process ${pipeline.pid}`, 'u'),
  });
  pipeline.kill('SIGKILL');
  await once(pipeline, 'close');
  await writeFile(it.raw, 'one\n');
  const { record } = await it.run();
  t.equal(record.status, 'published', 'the orphan has ended, and its folder is taken over');
  const killed = await readFile(join(it.out, 'runs', '20260101T000000Z-aaaa', 'run.json'), 'utf8');
  t.match(
    JSON.parse(killed),
    { status: 'interrupted', outcome: /killed/u },
    'what it could not say is written down',
  );
});

/** A pipeline in a process of its own. */
async function startElsewhere(raw: string, out: string): Promise<ChildProcess> {
  const program = `
    import { runPipeline } from ${JSON.stringify(new URL('../../../training/pipeline/run-pipeline.ts', import.meta.url).href)};
    import { parsePipelineConfig } from ${JSON.stringify(new URL('../../../training/pipeline/read-pipeline-config.ts', import.meta.url).href)};
    import { fixtureEntry, fixtureStages } from ${JSON.stringify(new URL('../../fixtures/pipeline-stages.ts', import.meta.url).href)};
    await runPipeline({
      stages: fixtureStages, entry: fixtureEntry, configPath: 'test', out: ${JSON.stringify(out)},
      config: parsePipelineConfig({ name: 'counting', prepare: { raw: ${JSON.stringify(raw)} }, student: { from: 'x' }, sft: {}, validate: { questions: 1 } }, 'test'),
      runId: '20260101T000000Z-aaaa', trigger: 'command', selection: {}, force: false, threads: 1, env: {},
      signal: new AbortController().signal, note: () => undefined, onProgress: () => undefined,
    });`;
  const file = join(out, '..', 'pipeline.mts');
  await rm(file, { force: true });
  await writeFile(file, program);
  return spawn(process.execPath, ['--import=tsx', file], { stdio: 'ignore' });
}

function manifestOf(id: string) {
  return {
    ...{
      formatVersion: 1,
      id,
      createdAt: '2026-01-01T00:00:00Z',
      parent: null,
      student: null,
      tokenizer: null,
    },
    embedder: { path: 'embedder', dimension: 1, fingerprint: '' },
    index: {
      ...{ chunks: 'c', bm25: 'b', vectors: 'v', vectorRows: 'r', chunkCount: 1, vectorIndex: 'Flat' },
      ...{ recallAt10: 1, tokenizerVersion: '1', inputsHash: '' },
    },
    retrieval: {
      ...{ topK: 1, candidates: 1, fusion: 'minmax', weights: { bm25: 1, faiss: 0 }, rrfK: 60 },
      ...{ searchParams: '', rerank: false },
    },
    prompt: null,
    answering: { mode: 'evidence', model: 'm', evidencePassages: 1 },
    ...{ metrics: {}, licences: [], files: [] },
  };
}
