/** Real runs of `haetae models import`, on a small knowledge base and tiny random checkpoints. */
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { buildIndex } from '../../training/index/build-index.js';
import { runHaetae } from '../fixtures/run-haetae.js';
import { smallCorpus, writeCorpus } from '../fixtures/small-corpus.js';
import { writeTinyCheckpoint } from '../fixtures/tiny-checkpoint.js';

const folder = t.testdir({});
const modelsDir = join(folder, 'models');
await writeCorpus(join(folder, 'work'), smallCorpus());
const { bundleId: base } = await buildIndex({
  workDir: join(folder, 'work'),
  modelsDir,
  threads: 1,
  log: () => {},
});
const model = await writeTinyCheckpoint(join(folder, 'tiny'), { config: { max_position_embeddings: 4096 } });
const bundles = async () =>
  (await readdir(modelsDir)).filter((name) => !['current', 'activations.jsonl'].includes(name)).sort();
const run = (args: string[], more: Partial<Parameters<typeof runHaetae>[0]> = {}) =>
  runHaetae({ args, env: { HAETAE_MODELS_DIR: modelsDir }, ...more });

t.test('a broken rule and all that is missing are shown at once, and nothing is written', async (t) => {
  const bare = await writeTinyCheckpoint(join(folder, 'bare'));
  await Promise.all(['model.safetensors', 'tokenizer.json'].map((name) => rm(join(bare, name))));
  await writeFile(join(bare, 'README.md'), '---\nlicense: cc-by-nc-4.0\n---\n');
  const contest = ['--rules', 'contest'];
  const [incomplete, late, silent, wrong, absent] = await Promise.all([
    run(['models', 'import', bare, ...contest]),
    run(['models', 'import', model, ...contest, '--released', '2025-08-01']),
    run(['models', 'import', model, ...contest]),
    run(['models', 'import', model, ...contest, '--released', '2025-02-30']),
    run(['models', 'import', join(folder, 'absent')]),
  ]);
  t.match(incomplete, { code: 1, err: /MODEL_INVALID: .*weights, tokenizer\.json\. Nothing was written/ });
  for (const line of [
    /^weights .*nothing +MISSING$/m,
    /^tokenizer\.json .*nothing +MISSING$/m,
    /^licence .*cc-by-nc-4\.0 \(README\.md\) +BROKEN$/m,
    /^published +before 2025-08-01 +nothing +MISSING$/m,
    /^published: Give the date with --released/m,
  ])
    t.match(incomplete.out, line);
  t.match(late, {
    code: 1,
    out: /2025-08-01 \(--released\) +BROKEN/,
    err: /MODEL_REFUSED: .*licence, published/,
  });
  t.match(silent, { code: 1, out: /published +before 2025-08-01 +nothing +MISSING/ });
  t.match(wrong, { code: 2, out: '', err: /--released.*YYYY-MM-DD/ });
  t.match(absent, { code: 1, out: '', err: /FILE_NOT_FOUND/ });
  t.strictSame(await bundles(), [base]);
});

t.test('an interrupted import leaves nothing', async (t) => {
  const stopped = await run(['models', 'import', model], {
    onOutput: ({ err }, kill) => {
      if (err.includes('taking its fingerprint')) kill('SIGINT');
    },
  });
  t.match(stopped, { code: 130, err: /interrupted; nothing was written/ });
  t.strictSame(await bundles(), [base]);
});

t.test('a model that keeps the rules is imported, found by the other commands, and answers', async (t) => {
  await writeFile(join(model, 'README.md'), '---\nlicense: apache-2.0\nbase_model: some/model\n---\n');
  const made = await run([
    ...['models', 'import', model, '--rules', 'contest', '--released', '2025-07-31'],
    ...['--id', 'with-tiny', '--mode', 'label', '--context', '2048', '--slots', '2', '--activate'],
  ]);
  t.match(made, { code: 0, out: /Made the bundle with-tiny on .*\nwith-tiny is now the active bundle\n$/ });
  t.match(made.out, /base model .*some\/model.* for you to judge/);
  const questions = join(folder, 'test.csv');
  const answers = join(folder, 'answers.ndjson');
  await writeFile(
    questions,
    'ID,Question\nQ1,"방화벽의 규칙은 언제 점검하는가?\n1 분기마다\n2 해마다\n3 달마다"\n',
  );
  const [list, verify, byId, byCurrent, again, batch] = await Promise.all([
    run(['models', 'list']),
    run(['models', 'verify']),
    run(['lm', 'logprobs', '--model', 'with-tiny', '--text', '금융', '--continuation', '보안']),
    run(['lm', 'logprobs', '--model', 'current', '--text', '금융', '--continuation', '보안']),
    run(['models', 'import', model, '--base', base, '--id', 'with-tiny']),
    run(['batch', questions, '-o', answers, '--format', 'ndjson']),
  ]);
  t.match(list.out, /^\* with-tiny .* tiny \(label\)$/m);
  t.match(verify, { code: 0, out: /all checksums match/ });
  t.match(JSON.parse(byId.out).model, /with-tiny\/student$/);
  t.strictSame(JSON.parse(byCurrent.out).continuations, JSON.parse(byId.out).continuations);
  t.match(again, { code: 2, err: /There is a bundle 'with-tiny' already/ });
  t.match(batch, { code: 0, err: /1 rows, 0 by the fallback/ });
});
