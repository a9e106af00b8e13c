import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { combinedFeatureNames } from '../../../shared/answering/combined-choice-scorer.js';
import {
  addBundleFile,
  readBundle,
  updateManifest,
  verifyBundle,
} from '../../../shared/bundle/bundle-store.js';
import { readWeights, writeWeights } from '../../../shared/bundle/bundle-weights.js';
import { loadRuntime } from '../../../shared/bundle/load-runtime.js';
import { buildIndex } from '../../../training/index/build-index.js';
import { addStudent, writeBaseBundle } from '../../fixtures/student-bundle.js';

const folder = t.testdir({});
const weights = join(folder, 'weights');
const question =
  '백업에 대한 설명으로 옳은 것은?\n1. 매일 한 번 만든다.\n2. 해마다 한 번 만든다.\n3. 만들지 않는다.';
const combinedName = 'combined-model.json';
let modelsDir: string;

/** Only the verdict of the student counts. */
const byVerdict = {
  ...{ description: 'by verdict', features: [...combinedFeatureNames], temperature: 1, fit: {} },
  scale: combinedFeatureNames.map(() => 1),
  positive: combinedFeatureNames.map((name) => (name === 'verdict' ? 1 : 0)),
  negated: combinedFeatureNames.map((name) => (name === 'verdict' ? -1 : 0)),
};

t.before(async () => {
  modelsDir = await writeBaseBundle(folder);
  await addStudent(modelsDir, 'learnt', { prompt: 'ko-2' });
  const bundle = await readBundle(modelsDir);
  await writeFile(join(bundle.folder, combinedName), JSON.stringify(byVerdict));
  const { answering } = bundle.manifest;
  await updateManifest(await addBundleFile(bundle, combinedName), {
    answering: { ...answering, mode: 'combined', combined: combinedName, open: 'evidence' },
  });
});

t.test('a bundle answers by evidence and student together', async (t) => {
  const runtime = await loadRuntime({ modelsDir, threads: 1 });
  const { choices, usedFallback, usage } = await runtime.answer(question);
  const classification = { ...(await runtime.answer(question)).classification };
  const { passages } = await runtime.parts.retriever.retrieve(question, { topK: 8, rerank: false });
  const { statements } = await runtime.parts.studentScorer!('verify').utilities({ classification, passages });
  await runtime.close();
  t.equal(usedFallback, false);
  t.ok(usage!.promptTokens > 0, 'the student was asked');
  const odds = statements!.map(({ verdict }) => verdict);
  const total = odds.reduce((sum, value) => sum + Math.exp(value), 0);
  for (const [i, { probability }] of choices.entries())
    t.ok(Math.abs(probability - Math.exp(odds[i]!) / total) < 1e-4, `${probability}`);
});

t.test('what it learnt is kept, and answers in a bundle that is built anew', async (t) => {
  const before = await loadRuntime({ modelsDir, threads: 1 });
  const { choices } = await before.answer(question);
  await before.close();
  const written = await writeWeights(await readBundle(modelsDir), weights);
  t.match(written, { madeBy: 'learnt', prompt: 'ko-2', answering: { mode: 'combined' } });
  t.ok(written.files.every(({ path }) => path.startsWith('student/') || path === combinedName));
  t.strictSame(await readWeights(weights), written);

  const anew = join(folder, 'anew');
  const options = { workDir: join(folder, 'work'), modelsDir: anew, weights, threads: 1, log: () => {} };
  const { bundleId } = await buildIndex(options);
  await verifyBundle(await readBundle(anew));
  const after = await loadRuntime({ modelsDir: anew, threads: 1 });
  const again = await after.answer(question);
  await after.close();
  t.strictSame(again.choices, choices);
  t.equal((await buildIndex(options)).skipped, true);
  await appendFile(join(weights, combinedName), ' ');
  await t.rejects(buildIndex(options), {
    code: 'BUNDLE_CHECKSUM',
    message: /combined-model\.json has \d+ bytes/,
  });
  await writeFile(join(weights, combinedName), JSON.stringify(byVerdict));
  t.equal((await buildIndex(options)).bundleId, bundleId);
});

t.test('weights that are not whole are refused; none are no weights', async (t) => {
  t.equal(await readWeights(join(folder, 'none')), null);
  const path = join(weights, 'weights.json');
  const text = await readFile(path, 'utf8');
  for (const broken of ['', '{}', text.replace('"formatVersion": 1', '"formatVersion": 2')]) {
    await writeFile(path, broken);
    await t.rejects(readWeights(weights), { code: 'BUNDLE_INVALID', message: /haetae models weights/ });
  }
  await writeFile(path, text);
  await rm(join(weights, combinedName));
  await t.rejects(readWeights(weights), { code: 'BUNDLE_CHECKSUM', message: /is missing/ });
});

t.test('a bundle without a student has learnt nothing', async (t) => {
  const base = { ...(await readBundle(modelsDir)) };
  const manifest = { ...base.manifest, student: null };
  await t.rejects(writeWeights({ folder: base.folder, manifest }, weights), { code: 'USAGE' });
});
