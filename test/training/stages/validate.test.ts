/** The stage validate on tiny random students: what is chosen, the gate, and a measurement that is stopped. */
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { readBundle } from '../../../shared/bundle/bundle-store.js';
import { addStudent } from '../../fixtures/student-bundle.js';
import { readAllJsonLines } from '../../../training/formats/json-lines.js';
import { readChosen } from '../../../training/predictions/chosen-iteration.js';
import { StudentPrediction } from '../../../training/predictions/student-predictions.js';
import type { ValidateDetails } from '../../../training/stages/details.js';
import { bestIteration, validate } from '../../../training/stages/validate.js';
import {
  type ContextOptions,
  stageContext,
  stagedConfig,
  stopAfter,
  writeStages,
} from '../../fixtures/staged-pipeline.js';
import { writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';

const out = t.testdir({});
const start = join(out, 'start');
const fields = {
  student: { from: start, contextLength: 900, passages: 1 },
  ...{ sft: {}, distill: { iterations: 2 }, validate: { questions: 8 } },
};
const config = stagedConfig(fields);
const size = { max_position_embeddings: 4096 };

const run = async (options: ContextOptions = {}, given = config) => {
  const context = await stageContext(out, given, validate, options);
  const summary = await validate.run(context);
  return { ...summary, folder: context.folder, details: summary.details as ValidateDetails };
};
const predictions = (folder: string) =>
  readAllJsonLines(join(folder, 'predictions.jsonl'), StudentPrediction);

t.before(async () => {
  await writeStages(out);
  for (const [seed, folder] of [
    start,
    ...[1, 2].map((n) => join(out, 'work', `distill-${n}`, 'model')),
  ].entries())
    await writeTinyCheckpoint(folder, { seed: seed + 1, config: size });
  await cp(join(out, 'work', 'index', 'models'), join(out, 'models'), { recursive: true });
});

t.test('the better iteration of calibration goes on, and passes where no student is served', async (t) => {
  const { details, folder, rejected, figures } = await run();
  const [first, second] = ['iteration 1', 'iteration 2'].map(
    (name) => details.students.find((student) => student.name === name)!,
  );
  const better = second!.calibration!.rate > first!.calibration!.rate ? 2 : 1;
  t.equal(details.chosen, better);
  t.equal(await readChosen(folder), better);
  t.equal(figures.chosen, better);
  t.equal(rejected, undefined);
  t.match(details.gate, { passed: true, comparison: null, sentence: /no student that is served/ });
  t.strictSame(
    details.students.map(({ name, precision }) => [name, precision]),
    ['start', 'iteration 1', 'iteration 2'].map((name) => [name, 'qwen2, float32']),
  );
  const lines = await predictions(folder);
  t.equal(lines.length, 3 * 8 + 2 * 8);
  const right = lines.filter(
    ({ student, split, correct }) => student === 'start' && split === 'validation' && correct,
  );
  t.equal(details.students[0]!.validation!.correct, right.length);
  t.equal(new Set(lines.map(({ picked }) => picked)).size > 1, true, 'it is no constant');
});

t.test('stopped again and again, it measures the same', async (t) => {
  const folder = join(out, 'work', 'validate');
  const whole = await readFile(join(folder, 'predictions.jsonl'), 'utf8');
  await rm(folder, { recursive: true });
  let stops = 0;
  for (let ticks = 11; ; ticks += 11) {
    const stopped = await run(stopAfter(ticks)).then(
      () => false,
      (error: Error) => error.message === 'stopped',
    );
    if (!stopped) break;
    stops += 1;
  }
  t.equal(stops, 3);
  t.equal(await readFile(join(folder, 'predictions.jsonl'), 'utf8'), whole);
});

t.test('a student that does not beat the one that is served is rejected, with the figures', async (t) => {
  const models = join(out, 'models');
  await addStudent(models, 'served', { seed: 1 + 1 });
  await rm(join(out, 'work', 'validate'), { recursive: true });
  const same = stagedConfig({ ...fields, distill: { iterations: 1 } });
  const { details, rejected } = await run({ incumbentId: 'served' }, same);
  const { candidate, incumbent, gain } = details.gate.comparison!;
  t.equal(gain, 0, 'it is the same model');
  t.strictSame(candidate, incumbent);
  t.match(
    rejected,
    /^The student does not beat the student that is served: 0\.\d{3} .* of 8 questions, a gain of \+0\.000/,
  );
  t.equal(await readChosen(join(out, 'work', 'validate')), 1);

  await rm(join(out, 'work', 'validate'), { recursive: true });
  const allowed = stagedConfig({
    ...fields,
    distill: { iterations: 1 },
    validate: { questions: 8, minGain: -0.1 },
  });
  t.equal((await run({ incumbentId: 'served' }, allowed)).rejected, undefined);
});

t.test('a student that this program cannot open is not compared with', async (t) => {
  const models = join(out, 'models');
  const { folder } = await readBundle(models, 'served');
  await writeFile(
    join(folder, 'student', 'config.json'),
    (await readFile(join(folder, 'student', 'config.json'), 'utf8')).replace('"qwen2"', '"qwenX"'),
  );
  await rm(join(out, 'work', 'validate'), { recursive: true });
  const { details, rejected } = await run({ incumbentId: 'served' });
  t.equal(rejected, undefined);
  t.equal(details.gate.comparison, null);
});

t.test('of equally good iterations the earlier one is chosen', async (t) => {
  const score = (rate: number) => ({ calibration: { correct: 0, questions: 0, rate, low: 0, high: 1 } });
  t.equal(bestIteration([score(0.5), score(0.7), score(0.7)]), 2);
  t.equal(bestIteration([score(0)]), 1);
});
