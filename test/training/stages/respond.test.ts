/** The stages respond and reformat on a small corpus with a tiny random student: whole, interrupted, in shards. */
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { silentProgress } from '../../../shared/progress.js';
import { readAllJsonLines, writeJsonLines } from '../../../training/formats/json-lines.js';
import { Response } from '../../../training/formats/response.js';
import { ResponsePair } from '../../../training/formats/response-pair.js';
import { TaskPrompt } from '../../../training/formats/task-prompt.js';
import { parsePipelineConfig } from '../../../training/pipeline/read-pipeline-config.js';
import { pipelinePlace, stagePlace } from '../../../training/pipeline/pipeline-place.js';
import type { StageContext } from '../../../training/pipeline/stage-definition.js';
import { mergeShards, shardsFolder } from '../../../training/prompts/response-shards.js';
import { type ReformatDetails, reformat } from '../../../training/stages/reformat.js';
import { type RespondDetails, respond, respondShard } from '../../../training/stages/respond.js';
import { negatedQuestion, openQuestion, smallQuestion } from '../../fixtures/small-questions.js';
import { writeBaseBundle } from '../../fixtures/student-bundle.js';
import { writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';

const root = t.testdir({});
const student = join(root, 'student');
const config = parsePipelineConfig(
  {
    name: 'test',
    seed: 7,
    student: { from: student, contextLength: 1500, passages: 1, slots: 3 },
    respond: { maxNewTokens: 6, tasks: ['label', 'verify', 'open'] },
    sft: { steps: 1 },
  },
  'test',
);
const questions = [
  smallQuestion('one'),
  { ...negatedQuestion, split: 'calibration' as const },
  openQuestion('open'),
  smallQuestion('measured', { split: 'validation', documentId: '암호화' }),
];

t.before(async () => {
  await writeTinyCheckpoint(student, { config: { max_position_embeddings: 2048 } });
  const modelsDir = await writeBaseBundle(join(root, 'base'));
  await cp(modelsDir, join(root, 'origin', 'work', 'index', 'models'), { recursive: true });
  await writeJsonLines(join(root, 'origin', 'work', 'synthesize', 'qa.jsonl'), questions);
});

/** An output folder in which the stages before are done. */
async function contextOf(
  out: string,
  definition = respond,
  {
    signal = new AbortController().signal,
    onTick = () => {},
  }: { signal?: AbortSignal; onTick?: () => void } = {},
): Promise<StageContext> {
  await cp(join(root, 'origin'), join(root, out), { recursive: true, force: false });
  const instance = { id: `${definition.name}-1`, definition, iteration: 1 };
  return {
    ...stagePlace(pipelinePlace(join(root, out), config), config, instance, null),
    ...{ threads: 1, env: {}, signal, log: () => {}, now: () => new Date(0) },
    progress: () => ({ ...silentProgress, tick: onTick }),
  };
}

const outputs = async (out: string, stage: typeof respond) =>
  Promise.all(
    stage.outputs.map((name) => readFile(join(root, out, 'work', `${stage.name}-1`, name), 'utf8')),
  );

t.test('teacher and student respond to every prompt of questions that train or calibrate', async (t) => {
  const context = await contextOf('whole');
  const { figures, details } = await respond.run(context);
  const prompts = await readAllJsonLines(join(context.folder, 'prompts.jsonl'), TaskPrompt);
  t.strictSame(
    prompts.map(({ promptId }) => promptId),
    ['one', 'negated']
      .flatMap((id) => [`${id}/label`, ...[1, 2, 3, 4].map((n) => `${id}/verify/${n}`)])
      .concat('open/open'),
  );
  for (const side of ['teacher', 'student']) {
    const responses = await readAllJsonLines(join(context.folder, `responses.${side}.jsonl`), Response);
    t.strictSame(
      responses.map(({ promptId }) => promptId),
      prompts.map(({ promptId }) => promptId),
    );
    if (side === 'student') {
      t.ok(new Set(responses.map(({ generatedText }) => generatedText)).size > 5, 'it samples');
      t.ok(responses.every(({ model }) => model === student));
      continue;
    }
    t.match(responses[0], { generatedText: '2', model: 'statute', finishReason: 'reference' });
  }
  const told = details as RespondDetails;
  t.match(told.prompts, { label: { train: 1, calibration: 1 }, verify: { train: 4 }, open: { train: 1 } });
  t.match(told.teacher.exactMatch, { label: { matches: 2, responses: 2 }, verify: { matches: 8 } });
  t.equal(told.student.finishReasons.length ?? 0, 11 - (told.student.finishReasons.stop ?? 0));
  t.ok(told.student.meanTokens > 0 && told.student.meanTokens < 12);
  t.strictSame(
    told.examples.map(({ task }) => task),
    ['label', 'verify', 'open'],
  );
  t.equal(figures.prompts, 11);
});

t.test('a stage that was stopped again and again writes the same files', async (t) => {
  let starts = 0;
  for (let done = false; !done; starts++) {
    const stop = new AbortController();
    let ticks = 0;
    const onTick = () => {
      // Past what is in the journals already, and two more.
      if (++ticks > 3 * (starts + 1)) stop.abort(new Error('stopped'));
    };
    const context = await contextOf('stopped', respond, { signal: stop.signal, onTick });
    done = await respond.run(context).then(
      () => true,
      (error: Error) => {
        t.equal(error.message, 'stopped');
        return false;
      },
    );
  }
  t.ok(starts > 2, String(starts));
  t.strictSame(await outputs('stopped', respond), await outputs('whole', respond));
});

t.test('shards of several machines give what one gives', async (t) => {
  for (const index of [0, 1, 2]) {
    await respondShard(await contextOf(`machine-${index}`), { index, count: 3 });
  }
  const context = await contextOf('merged');
  const folders = [0, 1, 2].map((index) =>
    join(root, `machine-${index}`, 'shards', 'respond-1', `${index}-of-3`),
  );
  const merged = await mergeShards(folders, join(shardsFolder(context.folder), 'merged'));
  t.strictSame(merged, { shards: 3, teacher: 11, student: 11 });
  const log: string[] = [];
  await respond.run({ ...context, log: (line) => log.push(line) });
  t.match(log, [/merged: taken$/]);
  t.strictSame(await outputs('merged', respond), await outputs('whole', respond));
  const other = await contextOf('other');
  await cp(shardsFolder(context.folder), shardsFolder(other.folder), { recursive: true });
  await writeJsonLines(join(root, 'other', 'work', 'synthesize', 'qa.jsonl'), questions.slice(0, 1));
  log.length = 0;
  const { figures } = await respond.run({ ...other, log: (line) => log.push(line) });
  t.match(log, [/merged: left, it was made from other questions/]);
  t.equal(figures.student, 5);
});

t.test('the student is not opened where all responses are there', async (t) => {
  const context = await contextOf('stopped');
  await rm(join(context.folder, 'responses.student.jsonl'));
  const path = join(student, 'model.safetensors');
  const weights = await readFile(path);
  await rm(path);
  await respond.run(context);
  await writeFile(path, weights);
  t.strictSame(await outputs('stopped', respond), await outputs('whole', respond));
});

t.test('reformat makes pairs of them, by split', async (t) => {
  const context = await contextOf('whole', reformat);
  const { figures, details } = await reformat.run(context);
  const pairs = await readAllJsonLines(join(context.folder, 'pairs.train.jsonl'), ResponsePair);
  const measured = await readAllJsonLines(join(context.folder, 'pairs.validation.jsonl'), ResponsePair);
  const told = details as ReformatDetails;
  t.equal(pairs.length + measured.length + Number(figures.dropped), 11);
  t.strictSame(told.pairs, { train: pairs.length, validation: measured.length });
  t.ok(pairs.every(({ source }) => source === '백업' || source === '침해사고'));
  t.ok(measured.every(({ source }) => source === '방화벽'));
  const { chosen, rejected } = pairs.find(({ promptId }) => promptId === 'one/label')!;
  t.strictSame(
    chosen.map(({ role }) => role),
    ['system', 'user', 'assistant'],
  );
  t.strictSame(chosen.slice(0, -1), rejected.slice(0, -1));
  t.equal(chosen.at(-1)!.content, '2');
});

t.test('where no pair is left, reformat says why', async (t) => {
  const context = await contextOf('other', reformat);
  await writeFile(join(root, 'other', 'work', 'respond-1', 'responses.student.jsonl'), '');
  await t.rejects(reformat.run(context), {
    code: 'TRAINING_DATA_INVALID',
    message: /Of 5 prompts no training pair is left \(missingStudent 5\)/,
  });
});

t.test('a plan counts the prompts before anything has run', async (t) => {
  const { facts, seconds } = await respond.estimate(await contextOf('planned'));
  t.strictSame(facts, [['prompts', '11']]);
  t.ok(seconds !== null && seconds > 0);
  const early = await contextOf('planned');
  await rm(join(root, 'planned', 'work', 'synthesize'), { recursive: true });
  const guess = await respond.estimate(early);
  t.strictSame(guess.facts, []);
  t.ok(guess.seconds !== null && guess.seconds > 0, 'by what is asked for, before there are questions');
});
