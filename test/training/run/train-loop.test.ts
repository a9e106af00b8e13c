import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { newestCheckpoint } from '../../../training/run/checkpoint-folder.js';
import { isValidation, readMetrics } from '../../../training/run/metrics-log.js';
import { type TrainLoopOptions, trainLoop } from '../../../training/run/train-loop.js';
import type { TrainingProgress } from '../../../training/run/training-progress.js';
import { QuadraticTask } from './quadratic-task.js';

const silent: TrainingProgress = { step: () => {}, note: () => {}, stop: () => {} };
const warnings: string[] = [];

async function options(output: string, changes: Partial<TrainLoopOptions> = {}): Promise<TrainLoopOptions> {
  return {
    ...{ program: 'pretrain', output, config: { seed: 1 }, inputs: { 'a.txt': 'abc' } },
    checkpoint: await newestCheckpoint(output, (line) => warnings.push(line)),
    ...{ evaluateEverySteps: 5, checkpointEverySteps: 4, keepCheckpoints: 2 },
    divergence: { factor: 3, steps: 5 },
    signal: new AbortController().signal,
    startProgress: () => silent,
    ...changes,
  };
}

/** What the run computed: times differ from run to run. */
async function figures(output: string): Promise<unknown[]> {
  return (await readMetrics(output)).map((line) => {
    const { seconds: _, tokensPerSecond: __, ...rest } = line as Record<string, number>;
    return rest;
  });
}

const checkpointsIn = async (output: string) =>
  (await readdir(output)).filter((name) => name.includes('checkpoint')).sort();

/** What a run that nothing disturbs computes. */
const whole = t.testdir({ whole: {} });
await trainLoop(new QuadraticTask(), await options(join(whole, 'whole')));
const expected = await figures(join(whole, 'whole'));

t.test('each step has its line, and validation its own, at the steps asked for and at the end', async (t) => {
  const lines = await readMetrics(join(whole, 'whole'));
  const steps = lines.filter((line) => !isValidation(line));
  t.strictSame(
    steps.map(({ step }) => step),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  t.match(steps[9], { step: 10, epoch: 1, tokens: 100, learningRate: 0.1 });
  const validated = lines.filter(isValidation);
  t.strictSame(
    validated.map(({ step }) => step),
    [5, 10, 15, 20],
  );
  t.ok(validated.at(-1)!.validationLoss < validated[0]!.validationLoss / 2, 'it learns');
  t.match(validated[0], { validationTokens: 5, distance: Number });
});

t.test('the newest checkpoints are kept, the one of the last step among them', async (t) => {
  t.strictSame(await checkpointsIn(join(whole, 'whole')), ['checkpoint-16', 'checkpoint-20']);
});

t.test(
  'an interrupt finishes the step, saves, and the resumed run makes the steps it would have made',
  async (t) => {
    for (const at of [1, 4, 7, 19]) {
      const output = t.testdir({});
      const interrupt = new AbortController();
      const task = new QuadraticTask({ beforeStep: (step) => void (step === at && interrupt.abort()) });
      const stopped = await trainLoop(task, await options(output, { signal: interrupt.signal }));
      t.match(stopped, { finished: false, step: at, checkpoint: join(output, `checkpoint-${at}`) });
      const further = await options(output);
      const resumed = await trainLoop(new QuadraticTask(), further);
      t.match(resumed, { finished: true, step: 20, tokens: 200 });
      t.strictSame(await figures(output), expected, `interrupted in step ${at}`);
      t.ok(resumed.seconds > further.checkpoint!.meta.seconds, 'time adds up');
    }
  },
);

t.test('an interrupt before the first step loses nothing either', async (t) => {
  const output = t.testdir({});
  const stopped = await trainLoop(
    new QuadraticTask(),
    await options(output, { signal: AbortSignal.abort(new Error('interrupted')) }),
  );
  t.match(stopped, { finished: false, step: 0, lastStep: null });
  await trainLoop(new QuadraticTask(), await options(output));
  t.strictSame(await figures(output), expected);
});

t.test('a run that fails between checkpoints goes on from the last one', async (t) => {
  const output = t.testdir({});
  const failing = new QuadraticTask({
    beforeStep: (step) => {
      if (step === 7) throw new Error('power cut');
    },
  });
  await t.rejects(trainLoop(failing, await options(output)), { message: 'power cut' });
  t.strictSame(await checkpointsIn(output), ['checkpoint-4']);
  t.equal(
    (await readMetrics(output)).length,
    7,
    'six steps and a validation, two of the steps to be cut off',
  );
  await trainLoop(new QuadraticTask(), await options(output));
  t.strictSame(await figures(output), expected);
});

t.test('a process killed at any moment loses at most the steps since the last checkpoint', async (t) => {
  const program = fileURLToPath(new URL('./killed-run.ts', import.meta.url));
  const output = t.testdir({});
  let reached = 0;
  for (let kills = 0; kills < 3; kills++) {
    const child = spawn(process.execPath, ['--import=tsx', program, output], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const stepsWanted = 3 + 2 * kills;
    let steps = 0;
    child.stdout.on('data', (text: Buffer) => {
      steps += String(text).split('\n').length - 1;
      if (steps >= stepsWanted) child.kill('SIGKILL');
    });
    const [code, signal] = await once(child, 'exit');
    t.ok(signal === 'SIGKILL' || code === 0, `killed after ${steps} steps`);
    const kept = (await newestCheckpoint(output, (line) => t.fail(line)))?.meta.step ?? 0;
    t.ok(kept >= reached, `${kept} steps are kept`);
    reached = kept;
  }
  await trainLoop(new QuadraticTask(), await options(output));
  t.strictSame(await figures(output), expected);
});

t.test('a checkpoint that lost its end is passed over for the one before', async (t) => {
  const output = t.testdir({});
  const interrupt = new AbortController();
  const task = new QuadraticTask({ beforeStep: (step) => void (step === 8 && interrupt.abort()) });
  await trainLoop(task, await options(output, { signal: interrupt.signal }));
  await truncate(join(output, 'checkpoint-8/training-state.safetensors'), 100);
  warnings.length = 0;
  await trainLoop(new QuadraticTask(), await options(output));
  t.match(warnings, [/checkpoint-8 is passed over: training-state\.safetensors has 100 of \d+ bytes/]);
  t.strictSame(await figures(output), expected);
});

t.test('a checkpoint whose head is damaged is passed over too', async (t) => {
  const output = t.testdir({});
  const interrupt = new AbortController();
  const task = new QuadraticTask({ beforeStep: (step) => void (step === 8 && interrupt.abort()) });
  await trainLoop(task, await options(output, { signal: interrupt.signal }));
  const file = await open(join(output, 'checkpoint-8/training-state.safetensors'), 'r+');
  await file.write(Buffer.alloc(8, 0xff), 0, 8, 0);
  await file.close();
  await writeFile(
    join(output, 'checkpoint-4/meta.json'),
    '{"formatVersion":1,"step":4,"task":{},"config":{}}',
  );
  warnings.length = 0;
  t.equal((await options(output)).checkpoint, null);
  t.match(warnings, [
    /checkpoint-8 is passed over: .*its header claims/,
    /checkpoint-4 is passed over: meta\.json/,
  ]);
});

t.test('a damaged checkpoint of a later step does not push out those that are made now', async (t) => {
  const output = t.testdir({});
  await trainLoop(new QuadraticTask(), await options(output, { keepCheckpoints: 1 }));
  await truncate(join(output, 'checkpoint-20/training-state.safetensors'), 100);
  const interrupt = new AbortController();
  const task = new QuadraticTask({ beforeStep: (step) => void (step === 9 && interrupt.abort()) });
  const stopped = await trainLoop(
    task,
    await options(output, { keepCheckpoints: 1, signal: interrupt.signal }),
  );
  t.match(stopped, { step: 9, checkpoint: join(output, 'checkpoint-9') });
  t.strictSame(await checkpointsIn(output), ['checkpoint-9']);
  await trainLoop(new QuadraticTask(), await options(output));
  t.strictSame(await figures(output), expected);
});

t.test('a metrics file that was shortened since is refused', async (t) => {
  const output = t.testdir({});
  const interrupt = new AbortController();
  const task = new QuadraticTask({ beforeStep: (step) => void (step === 8 && interrupt.abort()) });
  await trainLoop(task, await options(output, { signal: interrupt.signal }));
  await writeFile(join(output, 'metrics.jsonl'), '');
  await t.rejects(trainLoop(new QuadraticTask(), await options(output)), {
    code: 'CONFIG_INVALID',
    message: /metrics\.jsonl has 0 bytes, the checkpoint was made when it had \d+/,
  });
});

t.test(
  'a loss or gradient that is no number stops the run, names the batch, and keeps the last checkpoint',
  async (t) => {
    for (const [field, value, words] of [
      ['loss', Number.NaN, 'the loss is NaN'],
      ['loss', Number.POSITIVE_INFINITY, 'the loss is Infinity'],
      ['gradNorm', Number.POSITIVE_INFINITY, 'the gradient norm is Infinity'],
    ] as const) {
      const output = t.testdir({});
      const task = new QuadraticTask({
        spoil: (step, report) => (step === 6 ? { ...report, [field]: value } : report),
      });
      await t.rejects(trainLoop(task, await options(output)), {
        code: 'TRAINING_DIVERGED',
        message: new RegExp(
          `^Step 6: ${words}\\. Its batch came from point 6\\. The last checkpoint, .*checkpoint-4, is kept`,
        ),
        data: { step: 6, documents: ['point 6'] },
      });
      t.strictSame(await checkpointsIn(output), ['checkpoint-4']);
    }
  },
);

t.test('a loss of validation that is no number stops the run, before its weights are kept', async (t) => {
  const output = t.testdir({});
  const task = new QuadraticTask({ spoilValidation: () => Number.NaN });
  await t.rejects(trainLoop(task, await options(output, { evaluateEverySteps: 8 })), {
    code: 'TRAINING_DIVERGED',
    message: /^Validation at step 8: the loss is NaN, .* The last checkpoint, .*checkpoint-4, is kept/,
    data: { step: 8 },
  });
  t.strictSame(await checkpointsIn(output), ['checkpoint-4']);
  t.notMatch(JSON.stringify(await readMetrics(output)), /null/);
});

t.test('a loss that runs away stops the run; one spike does not', async (t) => {
  const output = t.testdir({});
  const growing = new QuadraticTask({
    totalSteps: 60,
    spoil: (step, report) => ({ ...report, loss: step < 20 ? 1 : 1.3 ** (step - 20) }),
  });
  await t.rejects(trainLoop(growing, await options(output)), {
    code: 'TRAINING_DIVERGED',
    message: /the smoothed loss [\d.]+ has been over 3 times its best \([\d.]+\) for 5 steps/,
  });
  const spiked = new QuadraticTask({
    totalSteps: 60,
    spoil: (step, report) => ({ ...report, loss: step === 30 ? 20 : 1 }),
  });
  t.match(await trainLoop(spiked, await options(t.testdir({}))), { finished: true });
  const exploding = new QuadraticTask({
    totalSteps: 60,
    spoil: (step, report) => ({ ...report, loss: step < 3 ? 6 : 400 - step }),
  });
  await t.rejects(trainLoop(exploding, await options(t.testdir({}))), {
    message: /^Step \d: the smoothed loss/,
  });
  const lucky = new QuadraticTask({
    totalSteps: 60,
    spoil: (step, report) => ({ ...report, loss: step === 1 ? 0.1 : 1 }),
  });
  t.match(await trainLoop(lucky, await options(t.testdir({}))), { finished: true }, 'a lucky first batch');
  const unwatched = new QuadraticTask({
    totalSteps: 60,
    spoil: (step, report) => ({ ...report, loss: 2 ** step }),
  });
  t.match(await trainLoop(unwatched, await options(t.testdir({}), { divergence: null })), { finished: true });
});

t.test('what stands in meta.json is enough to know the run', async (t) => {
  const meta = JSON.parse(await readFile(join(whole, 'whole/checkpoint-20/meta.json'), 'utf8'));
  t.match(meta, {
    ...{ formatVersion: 1, program: 'pretrain', step: 20, tokens: 200, config: { seed: 1 } },
    ...{ inputs: { 'a.txt': 'abc' }, task: { random: Number }, divergence: { count: 20 } },
    files: { 'metrics.jsonl': Number },
  });
});
