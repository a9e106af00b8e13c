import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  activateBundle,
  createStagingFolder,
  publishBundle,
  readBundle,
  verifyBundle,
} from '../../../shared/bundle/bundle-store.js';
import {
  type ImportOptions,
  importModel,
  type PlanOptions,
  planImport,
} from '../../../shared/bundle/import-model.js';
import { formatChunks } from '../../../shared/retrieval/chunk-file.js';
import { fakeManifest } from '../../fixtures/fake-bundle.js';
import { fakeLanguageModel } from '../../fixtures/fake-language-model.js';
import { smallCorpus } from '../../fixtures/small-corpus.js';
import { writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';

const card = '---\nlicense: apache-2.0\nrelease_date: 2024-09-19\n---\n';

async function setUp(t: Test) {
  const folder = t.testdir({});
  const modelsDir = join(folder, 'models');
  const staging = await createStagingFolder(modelsDir);
  await mkdir(join(staging, 'bm25'));
  await writeFile(join(staging, 'bm25', 'values.f32'), 'values');
  await writeFile(join(staging, 'chunks.jsonl'), formatChunks(smallCorpus()));
  await publishBundle(modelsDir, staging, fakeManifest('base'));
  await activateBundle(modelsDir, 'base');
  const model = await writeTinyCheckpoint(join(folder, 'Tiny Qwen'));
  await writeFile(join(model, 'README.md'), card);
  await writeFile(join(model, 'pytorch_model.bin'), 'not taken');
  await writeFile(join(model, 'quantization-report.json'), '{"bitsPerWeight":5.1,"model":"/somewhere"}');
  return {
    modelsDir,
    model,
    plan: (more: Partial<PlanOptions> = {}) => planImport({ folder: model, modelsDir, ...more }),
    entries: async () => (await readdir(modelsDir)).filter((name) => name !== 'activations.jsonl').sort(),
  };
}

const options = (more: Partial<ImportOptions> = {}): ImportOptions => ({
  mode: 'label',
  slots: 4,
  replace: false,
  openModel: async () => fakeLanguageModel(),
  now: () => new Date('2025-07-01T00:00:00Z'),
  signal: new AbortController().signal,
  log: () => {},
  ...more,
});

t.test('the new bundle is complete by itself: the base, and the model under student/', async (t) => {
  const { modelsDir, plan, entries } = await setUp(t);
  let opened = '';
  const openModel = async (folder: string) => {
    opened = folder;
    return fakeLanguageModel({ contextLength: 8192 });
  };
  const { folder, manifest } = await importModel(await plan(), options({ mode: 'verify', openModel }));
  t.match(opened, /\.tmp-\d+\/student$/, 'what is opened is what will be served');
  t.match(manifest, {
    id: /^tiny-qwen-[0-9a-f]{8}$/,
    parent: 'base',
    createdAt: '2025-07-01T00:00:00.000Z',
    student: {
      path: 'student',
      contextLength: 4096,
      slots: 4,
      fingerprint: { probe: 1 },
      name: 'Tiny Qwen',
      licence: 'Apache-2.0',
      released: '2024-09-19',
    },
    tokenizer: 'student/tokenizer.json',
    prompt: 'ko-1',
    answering: { mode: 'verify', model: 'model.json', evidencePassages: 6 },
    metrics: { studentBytes: Number, studentBitsPerWeight: 5.1 },
    licences: [{ licence: 'Apache-2.0', publisher: 'Tiny Qwen', documents: 0 }],
  });
  t.strictSame(
    manifest.files.map(({ path }) => path),
    [
      'bm25/values.f32',
      'chunks.jsonl',
      'student/README.md',
      'student/config.json',
      'student/generation_config.json',
      'student/model.safetensors',
      'student/tokenizer.json',
      'student/tokenizer_config.json',
    ],
  );
  await verifyBundle(await readBundle(modelsDir, manifest.id));
  t.strictSame(await entries(), ['base', 'current', manifest.id]);
  t.equal(
    (await stat(join(folder, 'chunks.jsonl'))).ino,
    (await stat(join(modelsDir, 'base', 'chunks.jsonl'))).ino,
    'files of the base take no room twice',
  );
});

t.test('what the user does to the model folder later does not reach the bundle', async (t) => {
  const { modelsDir, model, plan } = await setUp(t);
  const { manifest } = await importModel(await plan(), options());
  await writeFile(join(model, 'config.json'), '{}');
  await verifyBundle(await readBundle(modelsDir, manifest.id));
});

t.test('a base that has a student gives all but that', async (t) => {
  const { modelsDir, model, plan } = await setUp(t);
  const first = await importModel(await plan(), options());
  await writeFile(join(model, 'LICENSE'), 'Attribution-NonCommercial 4.0 International');
  const second = await importModel(
    await plan({ baseId: first.manifest.id }),
    options({ id: 'second', mode: 'continuation' }),
  );
  t.equal(second.manifest.licences.length, 1, 'the licence of the former model is gone');
  t.match(second.manifest, {
    parent: first.manifest.id,
    student: { licence: 'Apache-2.0 AND CC-BY-NC-4.0' },
    answering: { mode: 'continuation' },
  });
  t.equal(second.manifest.files.filter(({ path }) => path.endsWith('config.json')).length, 3);
  await verifyBundle(await readBundle(modelsDir, 'second'));
});

t.test('equal imports have one id; one that is there is kept unless it may be replaced', async (t) => {
  const { modelsDir, plan } = await setUp(t);
  const first = await importModel(await plan(), options());
  await t.rejects(importModel(await plan(), options()), { code: 'USAGE', message: /already.*--force/ });
  await importModel(await plan(), options({ replace: true }));
  const other = await importModel(await plan(), options({ mode: 'verify' }));
  t.not(other.manifest.id, first.manifest.id);
  await t.rejects(importModel(await plan(), options({ id: 'base', replace: true })), {
    code: 'USAGE',
    message: /'base' is the bundle the documents come from/,
  });
  t.equal((await readBundle(modelsDir, 'base')).manifest.student, null);
});

t.test('nothing is opened or written where a rule is broken or something is missing', async (t) => {
  const { model, plan, entries } = await setUp(t);
  const openModel = async (): Promise<never> => t.fail('it must not be opened') as never;
  await writeFile(join(model, 'README.md'), '---\nlicense: cc-by-nc-4.0\nrelease_date: 2025-08-01\n---\n');
  await t.rejects(importModel(await plan({ rules: 'contest' }), options({ openModel })), {
    code: 'MODEL_REFUSED',
    message: /licence, published\. Nothing was written/,
    data: { checks: [{ subject: 'licence' }, { subject: 'published' }] },
  });
  await writeFile(join(model, 'model.safetensors'), 'version https://git-lfs.github.com/spec/v1\n');
  await t.rejects(importModel(await plan({ rules: 'contest' }), options({ openModel })), {
    code: 'MODEL_INVALID',
    message: /weights/,
  });
  t.strictSame(await entries(), ['base', 'current']);
});

t.test('rules hear of the documents of the base', async (t) => {
  const { plan } = await setUp(t);
  t.strictSame((await plan()).ruleChecks, []);
  const { ruleChecks } = await plan({ rules: 'contest' });
  t.strictSame(
    ruleChecks.filter(({ verdict }) => verdict !== 'ok'),
    [],
  );
  t.match(
    ruleChecks.find(({ subject }) => subject === 'documents'),
    { found: /CC0-1\.0/ },
  );
});

t.test('an import that is stopped, or fails, leaves nothing', async (t) => {
  const { modelsDir, plan, entries } = await setUp(t);
  const interrupt = new AbortController();
  const openModel = async () => {
    interrupt.abort(new Error('interrupted'));
    return fakeLanguageModel();
  };
  await t.rejects(importModel(await plan(), options({ openModel, signal: interrupt.signal })), {
    message: 'interrupted',
  });
  const broken = fakeLanguageModel({ logprob: () => Number.NaN });
  await t.rejects(importModel(await plan(), options({ openModel: async () => broken })), {
    code: 'MODEL_INVALID',
    message: /no numbers/,
  });
  await t.rejects(importModel(await plan(), options({ signal: AbortSignal.abort() })));
  await t.rejects(importModel(await plan(), options({ contextLength: 5000 })), {
    code: 'USAGE',
    message: /4096 tokens, --context asks for 5000/,
  });
  t.strictSame(await entries(), ['base', 'current']);
  t.equal(await readFile(join(modelsDir, 'current'), 'utf8'), 'base\n');
});

t.test('a damaged base is not made sound by a new checksum', async (t) => {
  const { modelsDir, plan, entries } = await setUp(t);
  await writeFile(join(modelsDir, 'base', 'bm25', 'values.f32'), 'vAlues');
  await t.rejects(importModel(await plan(), options()), { code: 'BUNDLE_CHECKSUM', message: /values\.f32/ });
  t.strictSame(await entries(), ['base', 'current']);
});
