/** Real bundles of the small corpus, with a tiny random student: what proves them, and what does not. */
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import {
  createStagingFolder,
  manifestHash,
  publishBundle,
  readBundle,
  updateManifest,
} from '../../../shared/bundle/bundle-store.js';
import { loadProvenRuntime } from '../../../shared/bundle/load-proven.js';
import { loadRuntime } from '../../../shared/bundle/load-runtime.js';
import { type Probe, takeProbes, writeProbes } from '../../../shared/bundle/probes.js';
import { addStudent, writeBaseBundle } from '../../fixtures/student-bundle.js';

const questions = [
  '백업 자료에 대한 설명으로 옳은 것은?\n1. 매일 한 번 만든다.\n2. 만들지 않는다.\n3. 한 번만 만든다.\n4. 버린다.',
  '방화벽의 역할을 설명하시오.',
];
let modelsDir: string;

t.before(async () => {
  modelsDir = await writeBaseBundle(t.testdir({}));
  await addStudent(modelsDir, 'student');
});

/** Publishes the bundle `student` under another id, with probes. */
async function withProbes(id: string, change: (probes: Probe[]) => Probe[] = (probes) => probes) {
  const base = await readBundle(modelsDir, 'student');
  const runtime = await loadRuntime({ modelsDir, bundleId: 'student', threads: 1 });
  const probes = await takeProbes(runtime, questions);
  await runtime.close();
  const staging = await createStagingFolder(modelsDir);
  await cp(base.folder, staging, { recursive: true });
  await rm(join(staging, 'manifest.json'));
  await writeProbes(join(staging, 'probes.jsonl'), change(probes));
  const { files: _, ...manifest } = base.manifest;
  return publishBundle(modelsDir, staging, { ...manifest, id, probes: 'probes.jsonl' });
}

const load = async (bundleId: string, more: { threads?: number; provenManifest?: string } = {}) => {
  const runtime = await loadProvenRuntime({ modelsDir, bundleId, threads: 1, ...more });
  await runtime.close();
  return runtime.info;
};

t.test('a bundle reproduces its probes, whatever the number of threads', async (t) => {
  await withProbes('good');
  t.match(await load('good'), { bundleId: 'good', manifestHash: /^[0-9a-f]{64}$/ });
  await load('good', { threads: 2 });
});

t.test('a bundle that answers otherwise than it did is refused, unless it was proven before', async (t) => {
  const bundle = await withProbes('swapped', (probes) =>
    probes.map((probe) => ({ ...probe, passages: ['of-another-bundle#1'] })),
  );
  await t.rejects(load('swapped'), { code: 'BUNDLE_REFUSED', message: /probe 1 of 2/ });
  await load('swapped', { provenManifest: manifestHash(bundle) });
  await t.rejects(load('swapped', { provenManifest: 'of another one' }), { code: 'BUNDLE_REFUSED' });
});

t.test('a byte that changed is found, unless the bundle was proven before', async (t) => {
  const bundle = await withProbes('changed');
  const path = join(modelsDir, 'changed', 'probes.jsonl');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('백업', '복구'));
  await t.rejects(load('changed'), { code: 'BUNDLE_CHECKSUM', message: /probes\.jsonl/ });
  await load('changed', { provenManifest: manifestHash(bundle) });
});

t.test('probes are named no more once the bundle answers otherwise', async (t) => {
  const bundle = await withProbes('calibrated');
  const { manifest: measured } = await updateManifest(bundle, { metrics: { accuracy: 0.5 } });
  t.equal(measured.probes, 'probes.jsonl');
  const { manifest } = await updateManifest(bundle, {
    answering: { ...bundle.manifest.answering, mode: 'evidence' },
  });
  t.notOk('probes' in manifest);
  t.not(manifestHash({ ...bundle, manifest }), manifestHash(bundle));
  await load('calibrated');
});
