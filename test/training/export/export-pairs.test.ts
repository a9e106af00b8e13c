import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parse, parseDocument } from 'yaml';
import { exportPairs } from '../../../training/export/export-pairs.js';
import { importDataset } from '../../../training/export/import-dataset.js';
import { writeJsonLines } from '../../../training/formats/json-lines.js';
import type { ResponsePair } from '../../../training/formats/response-pair.js';
import { pipelinePlace, stagePlace } from '../../../training/pipeline/pipeline-place.js';
import { parsePipelineConfig } from '../../../training/pipeline/read-pipeline-config.js';
import type { StagePlace } from '../../../training/pipeline/stage-definition.js';
import { reformat } from '../../../training/stages/reformat.js';
import { smallCorpus, writeCorpus } from '../../fixtures/small-corpus.js';
import { plainPair, smallPair } from '../../fixtures/small-pairs.js';

const train = [smallPair('q1/label'), smallPair('q1/verify/1'), smallPair('q2/open')];
const test = [smallPair('q9/label', { source: '방화벽' })];

async function placeOf(
  out: string,
  run?: object,
  pairs: readonly ResponsePair[] = train,
): Promise<StagePlace> {
  const fields = {
    name: 'test',
    student: { from: 'models/student', contextLength: 900 },
    sft: { steps: 1 },
    respond: { maxNewTokens: 100 },
    distill: { iterations: 2, ...(run ? { run } : {}) },
  };
  const config = parsePipelineConfig(fields, 'test');
  const instance = { id: 'reformat-2', definition: reformat, iteration: 2 };
  const place = stagePlace(pipelinePlace(out, config), config, instance, null);
  await writeCorpus(place.folderOf('prepare'), smallCorpus());
  await writeJsonLines(join(place.folder, 'pairs.train.jsonl'), pairs);
  await writeJsonLines(join(place.folder, 'pairs.validation.jsonl'), test);
  return place;
}

const readJson = async (path: string) => JSON.parse(await readFile(path, 'utf8'));
const roles = (messages: { role: string }[]) => messages.map(({ role }) => role);

t.test('prompts of the teacher’s own are left out and counted', async (t) => {
  const folder = t.testdir({});
  const teacherPrompt = [{ role: 'user' as const, content: '본문과 질문' }];
  const place = await placeOf(folder, undefined, [...train, smallPair('q3/open', { teacherPrompt })]);
  for (const target of ['trl', 'distillm2'] as const) {
    const out = join(folder, target);
    t.match(await exportPairs({ place, target, out }), { train: 4, withoutTeacherPrompt: 1 });
    t.notMatch(await readFile(join(out, 'train.json'), 'utf8'), /본문과 질문/);
    t.match(await readFile(join(out, 'README.md'), 'utf8'), /for 1 of the pairs, a prompt that holds more/);
  }
});

t.test(
  'for the DistiLLM-2 code: lists of prompt, chosen and rejected as its reformat.py writes them',
  async (t) => {
    const folder = t.testdir({});
    const out = join(folder, 'set');
    const report = await exportPairs({ place: await placeOf(folder), target: 'distillm2', out });
    t.match(report, { train: 3, test: 1 });
    t.strictSame(report.files, [
      ...['README.md', 'accelerate.yaml', 'distillm2.yaml', 'run.sh', 'test.json', 'train.json'],
    ]);
    const items = await readJson(join(out, 'train.json'));
    t.strictSame(Object.keys(items[0]), ['prompt_id', 'prompt', 'chosen', 'rejected', 'source']);
    t.strictSame(roles(items[0].chosen), ['system', 'user', 'assistant']);
    t.equal(items[0].prompt, items[0].chosen[1].content);
    t.strictSame(items[0].chosen.slice(0, -1), items[0].rejected.slice(0, -1));
    t.strictSame(await importDataset(join(out, 'train.json')), train, 'and back');
    t.strictSame(await importDataset(join(out, 'test.json')), test);
    const config = parse(await readFile(join(out, 'distillm2.yaml'), 'utf8'));
    t.match(config, {
      ...{ learning_rate: 5e-5, lr_scheduler_type: 'cosine', warmup_ratio: 0.1, num_train_epochs: 1 },
      ...{
        use_peft: true,
        lora_r: 16,
        lora_alpha: 128,
        lora_target_modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj'],
        max_prompt_length: 900,
        max_length: 1000,
      },
      ...{
        model_name_or_path: '__STUDENT__',
        ref_model_name_or_path: '__TEACHER__',
        dataset_mixer: { __DATA__: 1 },
      },
    });
  },
);

t.test('for TRL: preferences and dialogues, in a folder that load_dataset knows', async (t) => {
  const folder = t.testdir({});
  const out = join(folder, 'set');
  await exportPairs({ place: await placeOf(folder), target: 'trl', out });
  const [preference] = await readJson(join(out, 'train.json'));
  t.strictSame(roles(preference.prompt), ['system', 'user']);
  t.strictSame(roles(preference.chosen), ['assistant']);
  t.strictSame(roles(preference.rejected), ['assistant']);
  t.strictSame(preference.chat_template_kwargs, { enable_thinking: false });
  t.strictSame(await importDataset(join(out, 'train.json')), train, 'and back');
  const dialogues = await readJson(join(out, 'dialogue', 'test.json'));
  t.equal(dialogues.length, 1);
  t.strictSame(dialogues[0].messages, test[0]!.chosen);
  const [completion] = await readJson(join(out, 'completion', 'train.json'));
  t.strictSame([...completion.prompt, ...completion.completion], train[0]!.chosen);
  const card = await readFile(join(out, 'README.md'), 'utf8');
  const front = parseDocument(card.split('---\n')[1]!);
  t.strictSame(front.errors, []);
  const { configs, language } = front.toJS();
  t.strictSame(language, ['ko']);
  for (const { data_files: files } of configs) {
    for (const { path } of files) t.ok(Array.isArray(await readJson(join(out, path))), path);
  }
  t.match(card, /\| train \| 3 \| 1 \|\n\| test \| 1 \| 1 \|/);
  t.match(card, /\| student \| distill-1\/model \|/);
  t.match(card, /\| 출판사, 12 documents \| CC0-1\.0 \|/, 'documents and their licences');
  t.match(card, /\| probabilities of the teacher \| sft\/model \|/);
});

t.test('the parameters are those of the pipeline, and its scripts are scripts', async (t) => {
  const folder = t.testdir({});
  const run = {
    ...{ steps: 300, accumulate: 4 },
    optimizer: { learningRate: 2e-4, schedule: 'constant', warmupFraction: 0.05, maxGradNorm: null },
    data: { rows: 2, length: 1200 },
  };
  for (const target of ['trl', 'distillm2'] as const) {
    const out = join(folder, target);
    await exportPairs({ place: await placeOf(folder, run), target, out });
    execFileSync('bash', ['-n', join(out, 'run.sh')]);
    t.match(parse(await readFile(join(out, 'accelerate.yaml'), 'utf8')), { distributed_type: 'MULTI_GPU' });
  }
  const script = await readFile(join(folder, 'trl', 'run.sh'), 'utf8');
  for (const part of [
    '--learning_rate 0.0002 --lr_scheduler_type constant_with_warmup --warmup_steps 0.05',
    ...[
      '--max_steps 300',
      '--max_grad_norm 0',
      '--max_length 1200',
      '8 / (GPUS * ROWS)',
      '--max_new_tokens 100',
    ],
  ]) {
    t.ok(script.includes(part), part);
  }
  t.notMatch(script, /use_peft|num_train_epochs/, 'all weights, as the section says');
  t.match(parse(await readFile(join(folder, 'distillm2', 'distillm2.yaml'), 'utf8')), {
    ...{ use_peft: false, max_steps: 300, max_length: 1200, max_grad_norm: 0 },
  });
});

t.test('of a model without a chat template TRL gets texts', async (t) => {
  const folder = t.testdir({});
  const pairs = [plainPair('q1/label'), plainPair('q2/label')];
  const place = await placeOf(folder, undefined, pairs);
  await writeJsonLines(join(place.folder, 'pairs.validation.jsonl'), []);
  const out = join(folder, 'trl');
  const { files } = await exportPairs({ place, target: 'trl', out });
  t.notOk(files.includes('gkd.py'));
  t.match(await readJson(join(out, 'train.json')), [
    { prompt: '질문 q1/label\n\n정답:', chosen: '2', rejected: '4' },
    {},
  ]);
  t.match(await readJson(join(out, 'completion', 'train.json')), [{ completion: '2' }, {}]);
  t.strictSame(await readJson(join(out, 'test.json')), []);
  t.strictSame(await importDataset(join(out, 'train.json')), pairs, 'and back');
  await exportPairs({ place, target: 'distillm2', out: join(folder, 'distillm2') });
  const { chat_template: template } = parse(
    await readFile(join(folder, 'distillm2', 'distillm2.yaml'), 'utf8'),
  );
  t.match(template, /eos_token/);
  t.match(await readFile(join(folder, 'distillm2', 'README.md'), 'utf8'), /remove `chat_template`/);
});

t.test('it is said what is missing, and other files are left alone', async (t) => {
  const folder = t.testdir({});
  const place = await placeOf(folder);
  const out = join(folder, 'other');
  await mkdir(out);
  await writeFile(join(out, 'thesis.tex'), '');
  await t.rejects(exportPairs({ place, target: 'trl', out }), { code: 'USAGE', message: /thesis\.tex/ });
  const target = { target: 'trl', out: join(folder, 'set') } as const;
  await exportPairs({ place, ...target });
  await t.resolves(exportPairs({ place, ...target }), 'written anew');
  const early = { ...place, folder: join(folder, 'nowhere', 'reformat-2') };
  await t.rejects(exportPairs({ place: early, ...target }), {
    code: 'FILE_NOT_FOUND',
    message: /haetae train run CONFIG --to reformat-2/,
  });
});
