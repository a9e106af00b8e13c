/** The train commands as a user types them, in a process of their own: signals, exit codes, what is said. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { runHaetae } from '../fixtures/run-haetae.js';
import { figuresOf, runText, tinyShape, writeData } from '../training/programs/tiny-runs.js';

const root = t.testdir({});
const at = (name: string) => join(root, name);
await writeData(at('data'));
const file = at('run.yaml');
const fields = {
  ...{ steps: 40, model: { shape: tinyShape }, tokenizer: { vocabSize: 400 } },
  data: { train: [at('data/texts.jsonl')], validationFraction: 0.15, length: 48, rows: 4 },
};
await writeFile(file, runText('pretrain', at('whole'), fields));

const train = (
  args: readonly string[],
  onOutput?: Parameters<typeof runHaetae>[0]['onOutput'],
): ReturnType<typeof runHaetae> =>
  runHaetae({ args: ['train', 'pretrain', file, ...args], ...(onOutput ? { onOutput } : {}) });

/** Sends a signal the first time that the words are there. */
function signalAt(words: string, signal: NodeJS.Signals): Parameters<typeof runHaetae>[0]['onOutput'] {
  let isSent = false;
  return ({ err }, kill) => {
    if (isSent || !err.includes(words)) return;
    isSent = true;
    kill(signal);
  };
}

t.test('a run ends with what was written and what to run next', async (t) => {
  const { code, out, err } = await train([]);
  t.equal(code, 0, err);
  t.match(out, /^pretrain: 40 steps, [\d,]+ tokens in [\d.]+ s, loss [\d.]+, validation [\d.]+$/mu);
  t.match(out, /^wrote {2}.*whole\/model, .*report\.html, .*metrics\.jsonl$/mu);
  t.match(out, /^next {3}haetae lm generate --model .*whole\/model --prompt TEXT$/mu);
  t.match(err, /^pretrain 1\/40 · loss [\d.]+ · [\d,]+ tokens\/s · grad norm [\d.]+ · lr .* left$/mu);
});

t.test('Ctrl-C finishes the step, saves, exits with 130 and says how to go on', async (t) => {
  const stopped = await train(['--output', at('stopped')], signalAt('validation at step 6', 'SIGINT'));
  t.equal(stopped.code, 130, stopped.err);
  t.match(stopped.err, /stopping: the step in work is finished and saved; Ctrl-C again ends at once/);
  t.match(stopped.out, /^pretrain: stopped at step \d+ of 40; saved .*checkpoint-\d+$/mu);
  const next = /^next {3}haetae (.*)$/mu.exec(stopped.out)?.[1] ?? '';
  t.equal(next, `train pretrain ${file} --resume --output ${at('stopped')}`);
  const resumed = await runHaetae({ args: next.split(' ') });
  t.equal(resumed.code, 0, resumed.err);
  t.strictSame(await figuresOf(at('stopped')), await figuresOf(at('whole')), 'to the bit');
});

t.test('SIGTERM does the same', async (t) => {
  const stopped = await train(['--output', at('term')], signalAt('validation at step 6', 'SIGTERM'));
  t.equal(stopped.code, 130, stopped.err);
  t.match(stopped.out, /stopped at step/);
});

t.test('killed without warning, it goes on from the last checkpoint to the same losses', async (t) => {
  const args = ['--output', at('killed')];
  const killed = await train(args, signalAt('validation at step 12', 'SIGKILL'));
  t.equal(killed.code, null);
  t.ok((await readdir(at('killed'))).includes('checkpoint-10'));
  const refused = await train(args);
  t.equal(refused.code, 1);
  t.match(refused.err, /CONFIG_INVALID: .*killed already holds a run at step \d+\. Add --resume/);
  const resumed = await train([...args, '--resume']);
  t.equal(resumed.code, 0, resumed.err);
  t.strictSame(await figuresOf(at('killed')), await figuresOf(at('whole')));
  const weights = (name: string) => readFile(join(at(name), 'model/model.safetensors'));
  t.ok((await weights('killed')).equals(await weights('whole')));
});

t.test('--dry-run tells memory and time and writes nothing', async (t) => {
  const { code, out } = await train(['--dry-run', '--output', at('planned'), '--set', 'steps=5']);
  t.equal(code, 0);
  t.match(out, /^ {2}together +\d+ MiB$/mu);
  t.match(out, /^ {2}5 steps of about \d+ tokens$/mu);
  t.notOk((await readdir(root)).includes('planned'));
});

t.test('what is wrong with a run file or an option is said in words', async (t) => {
  const wrong = await train(['--set', 'optimizer.learningrate=1']);
  t.equal(wrong.code, 1);
  t.match(
    wrong.err,
    /^haetae: CONFIG_INVALID: --set optimizer\.learningrate=1: .*did you mean learningRate\?$/mu,
  );
  t.equal((await train(['--set', 'steps'])).code, 2);
  t.equal((await runHaetae({ args: ['train', 'sft', file] })).code, 1);
  t.equal((await runHaetae({ args: ['train', 'sft', at('none.yaml')] })).code, 1);
  const diverged = await train([
    '--output',
    at('nan'),
    '--set',
    'optimizer.learningRate=10',
    '--set',
    'optimizer.maxGradNorm=null',
    '--set',
    'divergence.factor=1.01',
    '--set',
    'divergence.steps=2',
  ]);
  t.equal(diverged.code, 1);
  t.match(diverged.err, /TRAINING_DIVERGED: Step \d+: .*Its batch came from texts\.jsonl:\d+/);
});

t.test('help explains what a newcomer has to know', async (t) => {
  const { out } = await runHaetae({ args: ['train', '--help'] });
  for (const name of ['pretrain', 'sft', 'distill', 'embed']) t.match(out, new RegExp(`^ +${name} `, 'mu'));
  const help = (await runHaetae({ args: ['train', 'distill', '--help'] })).out;
  for (const part of [
    '--resume',
    '--dry-run',
    '--set',
    'training/runs/distill.yaml',
    'Ctrl-C',
    'report.html',
  ]) {
    t.ok(help.includes(part), part);
  }
});
