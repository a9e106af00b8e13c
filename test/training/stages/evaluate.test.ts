/** The stages evaluate and publish on a tiny random student: from a quantised folder to an active bundle. */
import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import {
  activateBundle,
  currentBundleId,
  listBundles,
  readBundle,
  verifyBundle,
} from '../../../shared/bundle/bundle-store.js';
import { loadRuntime } from '../../../shared/bundle/load-runtime.js';
import { checkProbes, readProbes } from '../../../shared/bundle/probes.js';
import { readAllJsonLines } from '../../../training/formats/json-lines.js';
import { BundleAnswer } from '../../../training/predictions/bundle-answers.js';
import type { EvaluateDetails, PublishDetails } from '../../../training/stages/details.js';
import { evaluate } from '../../../training/stages/evaluate.js';
import { publish } from '../../../training/stages/publish.js';
import {
  type ContextOptions,
  stageContext,
  stagedConfig,
  stopAfter,
  writeStages,
} from '../../fixtures/staged-pipeline.js';
import { writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';

const out = t.testdir({
  'questions.csv':
    'Question,Answer,Keyword,domain\n"방화벽은 무엇을 하는가?\n1 차단\n2 보관",1,,망\n"백업을 설명하시오.",매일 만든다.,백업 매일,\n',
});
const at = (path: string) => join(out, 'work', path);
const models = join(out, 'models');
const file = join(out, 'questions.csv');
const base = {
  student: { from: join(out, 'start'), contextLength: 900, passages: 1, slots: 2, licence: 'Apache-2.0' },
  ...{ sft: {}, index: { queries: 4 }, publish: {} },
  evaluate: { files: [file], probes: 3 },
};
const byLabel = { ...base, publish: { mode: 'label' } };
const evaluated = async (fields: object = base, options: ContextOptions = {}) => {
  const context = await stageContext(out, stagedConfig({ ...fields }), evaluate, options);
  const summary = await evaluate.run(context);
  return { ...summary, details: summary.details as EvaluateDetails };
};
const published = async (fields: object = base, options: ContextOptions = {}) => {
  const context = await stageContext(out, stagedConfig({ ...fields }), publish, options);
  const summary = await publish.run(context);
  return { ...summary, lines: context.lines, details: summary.details as PublishDetails };
};
const candidate = () => readBundle(at('evaluate/models'));

t.before(async () => {
  await writeStages(out);
  await writeTinyCheckpoint(at('quantize/model'), { config: { max_position_embeddings: 1024 } });
});

t.test('the best mode of the calibration questions is taken, and everything is measured of it', async (t) => {
  const { details, rejected, figures } = await evaluated();
  t.strictSame(
    details.modes.map(({ name, questions }) => [name, questions]),
    ['evidence', 'label', 'continuation', 'verify'].map((name) => [name, 20]),
  );
  const best = Math.max(...details.modes.map(({ rate }) => rate));
  t.equal(details.modes.find(({ name }) => name === details.mode)!.rate, best);
  t.equal(details.mode, 'evidence', 'a random student knows nothing');
  t.equal(rejected, undefined);
  t.match(details.gate, { passed: true, comparison: null });

  const [validation, fromFile] = details.sets;
  t.match(validation, { name: 'validation', questions: 15, incumbent: null });
  const { accuracy, shuffled, domains, polarity, forms, calibration, open } = validation!.candidate;
  t.equal(accuracy.questions, 12);
  t.strictSame(accuracy, validation!.baseline.accuracy, 'both answer by the same evidence');
  t.equal(shuffled!.questions, 12);
  t.strictSame(
    domains.map(({ name, questions }) => [name, questions]),
    [
      ['law', 4],
      ['security', 8],
    ],
  );
  t.strictSame(
    [...polarity, ...forms].map(({ name }) => name),
    ['negated', 'positive', 'definition', 'exception'],
  );
  t.equal(
    calibration.bins.reduce((sum, { answers }) => sum + answers, 0),
    12,
  );
  t.match(open, { questions: 3, keywordRecall: null });
  t.ok(open!.cosine > 0.2 && open!.cosine <= 1.001, `${open!.cosine}`);
  t.match(fromFile, { name: file, questions: 2, candidate: { shuffled: null, open: { keywordRecall: 1 } } });
  t.strictSame(
    details.retrieval.map(({ name }) => name),
    ['heading', 'definition', 'sentence', 'questions'],
  );
  t.ok(details.retrieval.every(({ recallAt1, recallAt5 }) => recallAt1 <= recallAt5 && recallAt5 > 0));

  const bundle = await candidate();
  await verifyBundle(bundle);
  t.match(bundle.manifest, {
    ...{ id: /^test-[0-9a-f]{12}$/u, parent: null, probes: 'probes.jsonl' },
    student: { name: 'test', licence: 'Apache-2.0', contextLength: 900, slots: 2 },
    answering: { mode: 'evidence', studentPassages: 1, evidencePassages: 8 },
    metrics: { accuracy: accuracy.rate, accuracyLow: accuracy.low, validationQuestions: 12 },
  });
  t.equal(validation!.candidate.bundleId, bundle.manifest.id);
  t.equal(figures.accuracy, Number(accuracy.rate.toFixed(4)));
  t.strictSame(await listBundles(at('evaluate/models')), [bundle.manifest.id], 'the draft is gone');

  const runtime = await loadRuntime({ modelsDir: at('evaluate/models'), threads: 1 });
  t.teardown(() => runtime.close());
  const probes = await readProbes(join(bundle.folder, 'probes.jsonl'));
  t.equal(probes.length, 3);
  await checkProbes(runtime, probes);
});

t.test('a bundle is published, made active, and published again without a change', async (t) => {
  const { id } = (await candidate()).manifest;
  const { details } = await published();
  t.match(details, { bundleId: id, parent: null, activated: true, unchanged: false, removed: [] });
  t.equal(await currentBundleId(models), id);
  const bundle = await readBundle(models, id);
  await verifyBundle(bundle);
  t.strictSame(details.metrics, bundle.manifest.metrics);
  t.ok(details.licences.some(({ licence }) => licence === 'Apache-2.0'));
  const again = await published();
  t.match(again.details, { bundleId: id, activated: true, unchanged: true });
  t.strictSame(await listBundles(models), [id]);
});

t.test('stopped again and again, it answers the same and gives the same bundle', async (t) => {
  const { id } = (await candidate()).manifest;
  const answers = async () =>
    (await readAllJsonLines(at('evaluate/predictions.jsonl'), BundleAnswer)).map(
      ({ ms: _, ...rest }) => rest,
    );
  const whole = await answers();
  await rm(at('evaluate'), { recursive: true });
  let stops = 0;
  for (let ticks = 70; ; ticks += 70) {
    const stopped = await evaluated(base, stopAfter(ticks)).then(
      () => false,
      (error: Error) => error.message === 'stopped',
    );
    if (!stopped) break;
    stops += 1;
  }
  t.ok(stops >= 1, `${stops}`);
  t.strictSame(await answers(), whole);
  t.equal((await candidate()).manifest.id, id);
});

t.test('a bundle that does not beat the one that is served is rejected', async (t) => {
  const incumbentId = await currentBundleId(models);
  await rm(at('evaluate'), { recursive: true });
  const { details, rejected } = await evaluated(byLabel, { incumbentId });
  t.match(rejected, /^The bundle does not beat the bundle that is served: .* of 12 questions/);
  const { candidate: own, incumbent } = details.gate.comparison!;
  t.ok(own.rate < incumbent.rate, 'random choices against evidence');
  t.equal(details.sets[0]!.incumbent!.bundleId, incumbentId);
  t.ok(details.modes.every(({ name }) => ['evidence', 'label'].includes(name)));
  const { manifest } = await candidate();
  t.match(manifest, { parent: incumbentId, answering: { mode: 'label', calibration: { questions: 20 } } });
  t.equal(manifest.answering.calibration!.temperature, details.modes[1]!.temperature);
  t.equal(manifest.metrics.incumbentAccuracy, incumbent.rate);
});

t.test('a bundle is not made active in the place of one that it was not compared with', async (t) => {
  const parent = await currentBundleId(models);
  const other = (await readBundle(at('index/models'))).manifest.id;
  await cp(join(at('index/models'), other), join(models, other), { recursive: true });
  await activateBundle(models, other);
  const { details, lines } = await published(byLabel);
  t.match(details, { parent, activated: false, unchanged: false });
  t.match(lines.join('\n'), `not made active: ${other} became the active bundle in place of ${parent}`);
  t.equal(await currentBundleId(models), other);
  await writeFile(join(models, 'current'), 'gone\n');
  t.match(
    (await published(byLabel)).details,
    { activated: true },
    'but in the place of none that can be served',
  );
  await activateBundle(models, parent);
  const again = await published({ ...byLabel, publish: { mode: 'label', activate: false } });
  t.match(again.details, { activated: false, unchanged: true });
  t.equal(await currentBundleId(models), parent, 'nor where that is not wanted');
});

t.test('old bundles of the pipeline go, those of others and what the active one replaced stay', async (t) => {
  const { id, parent } = (await candidate()).manifest;
  const older = async (name: string, createdAt: string): Promise<string> => {
    await cp(join(models, id), join(models, name), { recursive: true });
    const manifest = { ...(await candidate()).manifest, id: name, createdAt };
    await writeFile(join(models, name, 'manifest.json'), JSON.stringify(manifest));
    return name;
  };
  const [first, second] = [await older('test-00000000000b', '1'), await older('test-00000000000a', '2')];
  const others = [await older('test-2-00000000000c', '0'), await older('test-mine', '0')];
  const before = await listBundles(models);
  const { details } = await published({ ...byLabel, publish: { mode: 'label', keep: 1 } });
  t.match(details, { bundleId: id, activated: true, removed: [first] });
  const left = await listBundles(models);
  t.strictSame(
    left,
    before.filter((each) => each !== first),
  );
  for (const kept of [id, parent!, second, ...others]) t.ok(left.includes(kept), kept);
});

t.test('what may not be published is refused, and nothing is written', async (t) => {
  const before = await listBundles(models);
  await t.rejects(published({ ...byLabel, publish: { mode: 'label', rules: 'contest' } }), {
    code: 'MODEL_REFUSED',
  });
  t.strictSame(await listBundles(models), before);
  await rm(at('evaluate'), { recursive: true });
  const { licence: _, ...student } = base.student;
  await evaluated({ ...byLabel, student, evaluate: { files: [], shuffles: 0 } });
  t.equal((await candidate()).manifest.student!.licence, 'NOASSERTION');
  await t.rejects(published({ ...byLabel, student }), {
    code: 'MODEL_REFUSED',
    message: /The licence of the student is not known/,
  });
  t.strictSame(await listBundles(models), before);
});
