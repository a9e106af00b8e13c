/** The stages that train, on a small corpus: a new model, its teacher, and what it learns of it. */
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { readDecoderConfig } from '../../../shared/lm/decoder-config.js';
import { openLanguageModel } from '../../../shared/lm/open-language-model.js';
import type { StageDefinition } from '../../../training/pipeline/stage-definition.js';
import type { TrainingDetails } from '../../../training/stages/details.js';
import { distill } from '../../../training/stages/distill.js';
import { documentsOf, pretrain } from '../../../training/stages/pretrain.js';
import { sft } from '../../../training/stages/sft.js';
import { sftTeacher } from '../../../training/stages/sft-teacher.js';
import {
  type ContextOptions,
  stageContext,
  stagedConfig,
  writePairs,
  writeStages,
} from '../../fixtures/staged-pipeline.js';
import { writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';
import { abortedAfterStep, figuresOf, tinyShape } from '../programs/tiny-runs.js';

const out = t.testdir({});
const at = (path: string) => join(out, 'work', path);
const quick = { optimizer: { learningRate: 3e-3 }, checkpoint: { everySteps: 2 }, accumulate: 1 };
const fields = {
  student: { contextLength: 640, passages: 1 },
  pretrain: {
    ...{ ...quick, steps: 8, model: { shape: tinyShape }, tokenizer: { vocabSize: 400 } },
    data: { length: 64, rows: 4, validationFraction: 0.4 },
  },
  sft: { ...quick, steps: 4, lora: { r: 4, alpha: 8 }, data: { length: 320, rows: 2 } },
  distill: { iterations: 2, run: { ...quick, steps: 4, data: { length: 192, rows: 2 } } },
  respond: { tasks: ['label'] },
};
const config = stagedConfig(fields);
const run = async (stage: StageDefinition, options: ContextOptions = {}, given = config) => {
  const context = await stageContext(out, given, stage, options);
  const { figures, details } = await stage.run(context);
  return { context, figures, details: details as TrainingDetails };
};

t.before(async () => {
  await writeStages(out);
  for (const iteration of [1, 2]) await writePairs(out, iteration);
});

t.test('pretrain makes a model of the texts that reaches as far as the student has to', async (t) => {
  const { details, figures } = await run(pretrain);
  t.match(await readDecoderConfig(at('pretrain/model')), { vocabSize: 400, nLayer: 2, maxPositions: 640 });
  t.match(details, { program: 'pretrain', steps: 8, lora: null, from: null, teacher: null });
  t.ok(details.loss!.last < details.loss!.first - 0.2, JSON.stringify(details.loss));
  t.ok(details.validationLoss!.last > 0);
  t.match(figures, { steps: 8 });
  t.equal((await figuresOf(at('pretrain/run'))).at(-1)!.step, 8);
  t.equal(join(out, 'work', 'pretrain', details.metrics), at('pretrain/run/metrics.jsonl'));
});

t.test('stopped and started again, it ends with the same weights', async (t) => {
  const weights = () => readFile(at('pretrain/model/model.safetensors'));
  const before = await weights();
  await rm(at('pretrain'), { recursive: true });
  const signal = Object.assign(abortedAfterStep(at('pretrain/run'), 5), {
    throwIfAborted: () => {
      throw new Error('stopped');
    },
  });
  await t.rejects(run(pretrain, { signal }), { message: 'stopped' });
  await t.rejects(stat(at('pretrain/model')), { code: 'ENOENT' });
  await run(pretrain);
  t.ok(before.equals(await weights()));
  await rm(at('pretrain/model'), { recursive: true });
  await run(pretrain);
  t.ok(before.equals(await weights()), 'what was trained to its end is not trained again');
});

t.test('sft learns the answers of questions that train, and measures those that calibrate', async (t) => {
  const { details } = await run(sft);
  t.match(details, { program: 'sft', steps: 4, lora: { r: 4, alpha: 8 }, from: at('pretrain/model') });
  t.ok(details.validationLoss !== null);
  const sources = async (name: string): Promise<string[]> =>
    (await readFile(at(`sft/${name}`), 'utf8'))
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { source: string }).source]));
  t.strictSame(
    [...new Set(await sources('dialogues.train.jsonl'))],
    ['방화벽', '백업', '비밀번호', '침해사고'],
  );
  t.strictSame(
    [...new Set(await sources('dialogues.validation.jsonl'))],
    ['접속기록', '암호화', '망분리', '피싱', '악성코드'],
  );
  const model = await openLanguageModel(at('sft/model'), { threads: 1 });
  t.teardown(() => model.close());
  t.equal(model.config.vocabSize, 400, 'the adapter is in the weights');
});

t.test(
  'each iteration of distill goes on from the one before, with what sft made as its teacher',
  async (t) => {
    const first = await run(distill, { iteration: 1 });
    t.match(first.details, {
      ...{ program: 'distill', steps: 4, lora: null, from: at('pretrain/model'), teacher: at('sft/model') },
    });
    t.ok(first.details.validationLoss !== null);
    const second = await run(distill, { iteration: 2 });
    t.equal(second.details.from, at('distill-1/model'));
    const weights = (iteration: number) => readFile(at(`distill-${iteration}/model/model.safetensors`));
    t.notOk((await weights(1)).equals(await weights(2)));
    t.match(
      await readFile(at('distill-1/run.yaml'), 'utf8'),
      /learningRate: 0\.003\n(.*\n)* {2}weightDecay: 0\n/,
    );
  },
);

t.test(
  'without a run the recipe with adapters is followed; plain divergences learn from the same pairs',
  async (t) => {
    const recipe = stagedConfig({
      ...fields,
      distill: { teacher: at('sft/model') },
      student: { contextLength: 128 },
    });
    const { details } = await run(distill, {}, recipe);
    t.match(details, { lora: { r: 16, alpha: 128 }, steps: 1 });
    t.ok((await readFile(at('distill-1/run.yaml'), 'utf8')).includes('learningRate: 0.00005'));
    await rm(at('distill-1'), { recursive: true });
    const plain = { ...fields.distill.run, loss: { name: 'forward_kl' } };
    await run(distill, {}, stagedConfig({ ...fields, distill: { run: plain } }));
    const [first] = (await readFile(at('distill-1/dialogues.train.jsonl'), 'utf8')).split('\n');
    t.match(JSON.parse(first!), {
      source: '방화벽',
      messages: [{ role: 'user' }, { role: 'assistant', content: '1' }],
    });
  },
);

t.test('other settings begin anew; a teacher with another vocabulary is refused', async (t) => {
  const longer = stagedConfig({ ...fields, distill: { run: { ...fields.distill.run, steps: 5 } } });
  const { context, details } = await run(distill, {}, longer);
  t.equal(details.steps, 5);
  t.match(context.lines.join('\n'), /begins anew: .*steps was 4, is 5/);
  const teacher = await writeTinyCheckpoint(join(out, 'teacher'));
  const other = stagedConfig({ ...fields, distill: { ...fields.distill, teacher } });
  await t.rejects(run(distill, {}, other), {
    code: 'TRAINING_VOCABULARY',
    message: /400 tokens.*405 tokens/s,
  });
});

t.test(
  'a teacher learns from prompts with their sources, and the student from the same without',
  async (t) => {
    const { sft: tuning, distill: distilling } = fields;
    const both = stagedConfig({
      ...{
        ...fields,
        sft: { ...tuning, lora: undefined },
        teacherSft: { ...tuning, steps: 3, lora: undefined },
      },
      ...{ respond: { tasks: ['label'], promptsPerTask: { label: 20 } }, distill: distilling },
      student: { ...fields.student, passages: 0 },
    });
    await rm(at('sft'), { recursive: true });
    await rm(at('distill-1'), { recursive: true });
    const teacher = await run(sftTeacher, {}, both);
    t.match(teacher.details, { program: 'sft', steps: 3, from: at('pretrain/model') });
    await run(sft, {}, both);
    const dialogues = async (stage: string) =>
      (await readFile(at(`${stage}/dialogues.train.jsonl`), 'utf8'))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { messages: { content: string }[]; source: string });
    const [seen, asked] = [await dialogues('sft-teacher'), await dialogues('sft')];
    t.ok(asked.length > 5 && asked.length < 20);
    t.strictSame(
      seen.map(({ source, messages }) => [source, messages.at(-1)]),
      asked.map(({ source, messages }) => [source, messages.at(-1)]),
      'the same answers',
    );
    t.ok(
      seen.every(
        ({ messages }, i) => messages.at(-2)!.content.length > asked[i]!.messages.at(-2)!.content.length,
      ),
      'other prompts',
    );
    const { details } = await run(distill, {}, both);
    t.match(details, { from: at('sft/model'), teacher: at('sft-teacher/model') });
  },
);

t.test('a document is its title and its chunks, and versions have one source', async (t) => {
  const chunk = (source: string, title: string, content: string) => ({ source, title, content });
  t.strictSame(
    documentsOf([
      chunk('a.md', '법(2020-01-01)', '하나'),
      chunk('b.md', '법(2021-01-01)', '둘'),
      chunk('a.md', '법(2020-01-01)', '셋'),
    ]),
    [
      { text: '법(2020-01-01)\n\n하나\n\n셋', source: '법' },
      { text: '법(2021-01-01)\n\n둘', source: '법' },
    ],
  );
});
