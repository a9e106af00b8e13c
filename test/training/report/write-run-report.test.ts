import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { RunRecord, StageStatus } from '../../../shared/training-run/run-record.js';
import { runReportHtml, writeRunReport } from '../../../training/report/write-run-report.js';
import { readHtml, select } from './read-html.js';
import { type SampleRun, sampleConfig, sampleSummaries, writeSampleRun } from './sample-run.js';

const sampleRun = (t: Test, more: Partial<RunRecord> = {}) => writeSampleRun(t.testdir({}), more);
const htmlOf = (run: SampleRun) => runReportHtml(run.runFolder, run);
/** Texts of the stages' sections by id; parsed once a page. */
const pages = new Map<string, Map<string, string>>();
function sectionOf(html: string, id: string): string | undefined {
  let texts = pages.get(html);
  if (texts === undefined) {
    const { elements } = readHtml(html);
    texts = new Map(elements.map(({ attributes, text }) => [attributes.id ?? '', text]));
    pages.set(html, texts);
  }
  return texts.get(`stage-${id}`);
}
const withStatus = (run: SampleRun, statuses: Record<string, StageStatus>): SampleRun => ({
  ...run,
  record: {
    ...run.record,
    stages: run.record.stages.map((stage) => ({ ...stage, status: statuses[stage.id] ?? stage.status })),
  },
});
const replaceSummary = (run: SampleRun, id: string, content: unknown) =>
  writeFile(
    join(run.workFolder, id, 'summary.json'),
    typeof content === 'string' ? content : JSON.stringify(content),
  );

t.test('the report is one well-formed file that needs nothing from elsewhere', async (t) => {
  const run = await sampleRun(t);
  const path = await writeRunReport(run.runFolder, run);
  t.equal(path, join(run.runFolder, 'report.html'));
  t.strictSame(await readdir(run.runFolder), ['report.html'], 'no temporary file stays');
  const html = await readFile(path, 'utf8');
  const read = readHtml(html);
  t.strictSame(read.errors, []);
  t.strictSame(
    read.elements.filter(({ name }) => ['script', 'link', 'img', 'iframe', 'object', 'base'].includes(name)),
    [],
  );
  t.notMatch(html, /@import|url\(|https?:\/\//u);
  const ids = read.elements.flatMap(({ attributes }) => attributes.id ?? []);
  t.equal(new Set(ids).size, ids.length, 'ids are unique');
  for (const { attributes } of select(read, 'a')) {
    const address = attributes.href ?? '';
    if (address.startsWith('#')) t.ok(ids.includes(address.slice(1)), `${address} leads somewhere`);
    else t.match(address, /^\.\.\/\.\.\/work\/[a-z0-9-]+\/run\/report\.html$/u);
  }
});

t.test('every stage is drawn as its own types say it tells', async (t) => {
  const html = await htmlOf(await sampleRun(t));
  for (const id of Object.keys(sampleSummaries)) {
    const text = sectionOf(html, id);
    t.ok(text, id);
    t.notMatch(text, /Not drawn|Nothing to show|undefined|NaN|\[object/u);
  }
});

t.test('the figures are those of the summaries', async (t) => {
  const html = await htmlOf(await sampleRun(t));
  for (const [id, figures] of Object.entries({
    prepare: ['Documents234', '6,120', '3,912,774', 'DOCUMENT_SCANNED', 'Duplicates left out391'],
    index: ['81.0 %', '78.1 %', 'default-0f1e2d3c4b5a', '256 dimensions, Flat'],
    synthesize: ['1,961 of 2,000', '8.31 of 10', '201', '0.287', 'TEST_117', '2,909,481', '24.1 %'],
    pretrain: ['9.07 to 4.127', '819,200', 'new weights', '5 of 12,055 left out', '0.297'],
    'respond-2': ['4,887', '778', '1,010/1,580', '정답은 2번입니다', 'no response', '63.9 %'],
    'reformat-1': ['4,102 of 150 documents', '280', "the student's response is empty"],
    'distill-2': ['0.7 to 0.2', 'work/sft/model'],
    validate: ['+7.4 points', '0.00038', '338/500', 'iteration 2'],
    quantize: ['1.027', '94.7 % of 190', '5.14', '5.96'],
    evaluate: ['67.6 %', '개인정보 보호', 'finance-guide-81fe', '112 ms', '0.683', '86.0 %'],
    publish: ['finance-guide-3c9a', 'finance-guide-81fe', 'validationAccuracy0.676'],
  })) {
    const text = sectionOf(html, id) ?? '';
    for (const figure of figures) t.ok(text.includes(figure), `${id}: ${figure}`);
  }
});

t.test('the page says what came of the run, with its command and its configuration', async (t) => {
  const run = await sampleRun(t);
  const read = readHtml(await htmlOf(run));
  t.equal(select(read, '.outcome')[0]?.text, 'Published finance-guide-3c9a');
  t.match(read.text, `haetae train run 'training/runs/finance guide.ts' --out ${run.out}\n`.trim());
  t.match(read.text, '"minQuality": 7', 'defaults are in it');
  t.match(read.text, 'public-domain', 'the licences that the bundle was published by');
});

t.test('a run that failed, was rejected or interrupted says where and why', async (t) => {
  const failed = await sampleRun(t, {
    ...{ status: 'failed', bundleId: null, outcome: 'failed in sft' },
    error: { code: 'TRAINING_DIVERGED', message: 'The loss is no number at step 7.' },
  });
  const stages = failed.record.stages.map((stage) => {
    if (stage.id === 'sft') return { ...stage, status: 'failed' as const, error: failed.record.error };
    const isBehind = !['prepare', 'index', 'synthesize', 'pretrain'].includes(stage.id);
    return isBehind ? { ...stage, status: 'pending' as const, startedAt: null, seconds: null } : stage;
  });
  const html = await htmlOf({ ...failed, record: { ...failed.record, stages } });
  t.match(select(readHtml(html), '.outcome')[0], {
    text: 'Failed in sft (TRAINING_DIVERGED: The loss is no number at step 7.)',
    attributes: { class: 'outcome bad' },
  });
  t.match(sectionOf(html, 'sft'), /The loss is no number.*there are no figures of this run/su);
  t.equal(sectionOf(html, 'evaluate'), undefined, 'an earlier run has left its figures there');
});

t.test(
  'stages before the first that was asked for are shown as they lay there, those behind are not',
  async (t) => {
    const run = withStatus(await sampleRun(t), {
      ...{ prepare: 'left-out', index: 'left-out', evaluate: 'left-out', publish: 'left-out' },
    });
    const html = await htmlOf(run);
    t.match(sectionOf(html, 'prepare'), /Not asked for in this run/u);
    t.equal(sectionOf(html, 'publish'), undefined);
    const unchanged = await htmlOf(await sampleRun(t));
    t.match(sectionOf(unchanged, 'index'), /Unchanged: the figures are those of the run that made it/u);
  },
);

t.test('a summary that is absent, damaged or of another version is named, and the rest stands', async (t) => {
  const run = await sampleRun(t);
  await rm(join(run.workFolder, 'prepare'), { recursive: true });
  await replaceSummary(run, 'index', '{"figures": {');
  await replaceSummary(run, 'synthesize', []);
  await replaceSummary(run, 'validate', { figures: { accuracy: 0.5 }, details: { students: 'three' } });
  await replaceSummary(run, 'quantize', { figures: { ratio: 1.01 }, details: null });
  await replaceSummary(run, 'publish', { figures: 7, details: {} });
  await writeFile(join(run.workFolder, 'sft', 'run', 'metrics.jsonl'), 'null\n{"step": 1}\nno JSON\n');
  await rm(join(run.workFolder, 'distill-1', 'run'), { recursive: true });
  const html = await htmlOf(run);
  t.strictSame(readHtml(html).errors, []);
  t.match(sectionOf(html, 'prepare'), /Nothing to show: there is no summary\.json/u);
  t.match(sectionOf(html, 'index'), /Nothing to show: summary\.json is not JSON/u);
  t.match(sectionOf(html, 'synthesize'), /Nothing to show: summary\.json does not fit/u);
  t.match(
    sectionOf(html, 'validate'),
    /Not drawn: summary\.json is not as this version writes it .*accuracy0\.5/u,
  );
  t.match(sectionOf(html, 'quantize'), /Not drawn.*ratio1\.01/u);
  t.match(sectionOf(html, 'publish'), /Nothing to show/u);
  t.match(sectionOf(html, 'sft'), /The curves are not drawn/u);
  t.match(sectionOf(html, 'distill-1'), /The curves are not drawn: there is no metrics\.jsonl/u);
  t.match(sectionOf(html, 'evaluate'), '67.6 %');
});

t.test('a stage that this version does not know shows its figures', async (t) => {
  const run = await sampleRun(t);
  await mkdir(join(run.workFolder, 'polish-3'));
  await replaceSummary(run, 'polish-3', { figures: { shine: 0.123456, of: 'brass' }, details: { x: 1 } });
  const [first] = run.record.stages;
  if (!first) throw new Error('the sample has no stages');
  const stages = [...run.record.stages, { ...first, id: 'polish-3' }];
  t.match(
    sectionOf(await htmlOf({ ...run, record: { ...run.record, stages } }), 'polish-3'),
    /shine0\.1235ofbrass/u,
  );
});

t.test('figures that are no numbers, null in JSON, are said to be not measured', async (t) => {
  const run = await sampleRun(t);
  for (const [id, summary] of Object.entries(sampleSummaries)) {
    const rates = new Set([
      'rate',
      'low',
      'high',
      'gain',
      'pValue',
      'recallAt5',
      'recallAt10',
      'mrr',
      'ratio',
      'share',
    ]);
    const json = JSON.stringify(summary, (key, value: unknown) => (rates.has(key) ? null : value));
    await replaceSummary(run, id, json);
  }
  const html = await htmlOf(run);
  t.notMatch(html, /NaN|undefined/u);
  t.match(sectionOf(html, 'evaluate'), /not measured/u);
  t.notMatch(sectionOf(html, 'evaluate'), /Not drawn/u);
  t.match(sectionOf(html, 'index'), /not measured/u);
});

const hostile = `</style></table></pre>"'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;`;
/** Every text and every name of a field that is data, made hostile. */
function poison(value: unknown, keep: ReadonlySet<string>): unknown {
  if (typeof value === 'string') return keep.has(value) ? value : hostile + value;
  if (Array.isArray(value)) return value.map((each) => poison(each, keep));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, poison(each, keep)]));
}

t.test('no text of a summary, of the record or of the configuration can become markup', async (t) => {
  const run = await sampleRun(t);
  const kept = new Set(['data', 'model', 'teacher', 'ok', 'note', 'run/metrics.jsonl']);
  for (const [id, summary] of Object.entries(sampleSummaries)) {
    const poisoned = JSON.parse(JSON.stringify(poison(summary, kept))) as typeof summary;
    const { details } = poisoned;
    for (const field of ['counts', 'dropped', 'finishReasons', 'retrieval', 'metrics', 'documents']) {
      const inner = details[field];
      if (typeof inner === 'object' && inner !== null && !Array.isArray(inner) && field !== 'counts')
        details[field] = {
          ...inner,
          ...(field === 'documents' ? {} : { [hostile]: Object.values(inner)[0] ?? 1 }),
        };
    }
    await replaceSummary(run, id, poisoned);
  }
  const record = poison(run.record, new Set()) as RunRecord;
  const html = await htmlOf({
    ...run,
    record: {
      ...record,
      startedAt: run.record.startedAt,
      finishedAt: run.record.finishedAt,
      error: { code: hostile, message: hostile },
      stages: run.record.stages.map((stage, i) => ({
        ...stage,
        error: i === 0 ? { code: hostile, message: hostile } : null,
      })),
    },
    config: poison(sampleConfig, new Set()) as typeof sampleConfig,
  });
  const read = readHtml(html);
  t.strictSame(read.errors, []);
  t.strictSame(
    read.elements.filter(({ name }) => name === 'script' || name === 'img'),
    [],
  );
  t.ok(
    read.elements.every(({ attributes }) => Object.keys(attributes).every((name) => !name.startsWith('on'))),
  );
  for (const id of Object.keys(sampleSummaries)) {
    t.notMatch(sectionOf(html, id), /Not drawn|Nothing to show/u, `${id} is drawn with it`);
    t.match(sectionOf(html, id), '<script>alert(1)</script>', `${id} shows it as text`);
  }
});

t.test('what does not fit is named without becoming markup', async (t) => {
  const run = await sampleRun(t);
  const { index } = sampleSummaries;
  const details = { ...index?.details, retrieval: { '<script>alert(1)</script>': 'many' } };
  await replaceSummary(run, 'index', { ...index, details });
  const html = await htmlOf(run);
  t.match(sectionOf(html, 'index'), /Not drawn.*<script>/u);
  t.equal(select(readHtml(html), 'script').length, 0);
});

t.test('an id of a stage cannot lead out of its section', async (t) => {
  const run = await sampleRun(t);
  const [first] = run.record.stages;
  if (!first) throw new Error('the sample has no stages');
  const html = await htmlOf({ ...run, record: { ...run.record, stages: [{ ...first, id: hostile }] } });
  const read = readHtml(html);
  t.strictSame(read.errors, []);
  t.equal(select(read, 'script').length, 0);
});

t.test('a run without stages, with times that make no sense, still has a report', async (t) => {
  const run = await sampleRun(t, {
    stages: [],
    startedAt: 'then',
    finishedAt: null,
    heartbeatAt: 'now',
    outcome: null,
  });
  const read = readHtml(await htmlOf(run));
  t.strictSame(read.errors, []);
  t.match(read.text, /Tooknot known/u);
});

t.test('shares of no question are not drawn', async (t) => {
  const run = await sampleRun(t);
  const none = { correct: 0, questions: 0, rate: 0, low: 0, high: 1 };
  const { validate } = sampleSummaries;
  const students = [{ name: 'start', precision: 'float32', calibration: none, validation: null }];
  await replaceSummary(run, 'validate', { ...validate, details: { ...validate?.details, students } });
  t.notMatch(sectionOf(await htmlOf(run), 'validate'), /Accuracy of the students|0\/0/u);
});
