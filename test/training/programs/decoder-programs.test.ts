/** Runs of tiny models from a run file to a result: pretrain, then sft, LoRA and distil what it made. */
import { existsSync, statSync } from 'node:fs';
import { appendFile, cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { openDecoder } from '../../../shared/lm/open-decoder.js';
import { readSafetensorsHeader } from '../../../shared/onnx/safetensors.js';
import {
  abortedAfterStep,
  figuresOf,
  runText,
  runTiny,
  tinyShape,
  trainingLosses,
  validationLosses,
  writeData,
} from './tiny-runs.js';

const root = t.testdir({});
const at = (name: string) => join(root, name);
await writeData(at('data'));
const texts = { train: [at('data/texts.jsonl')], validationFraction: 0.15, length: 48, rows: 4 };
const dialogues = { ...texts, train: [at('data/dialogues.jsonl')] };
const model = at('pretrain/model');
const pretrainText = runText('pretrain', at('pretrain'), {
  ...{ steps: 30, model: { shape: tinyShape }, tokenizer: { vocabSize: 400 }, data: texts },
});

t.before(async () => {
  await runTiny('pretrain', pretrainText);
});

t.test('30 steps of pretraining lower the loss, on held-out documents too', async (t) => {
  const figures = await figuresOf(at('pretrain'));
  const losses = trainingLosses(figures);
  t.equal(losses.length, 30);
  t.ok(Math.abs(losses[0]! - Math.log(400)) < 0.3, `it begins at chance, ${losses[0]}`);
  t.ok(losses.at(-1)! < losses[0]! - 1, `${losses[0]} → ${losses.at(-1)}`);
  const validation = validationLosses(figures);
  t.equal(validation.length, 5);
  t.ok(validation.at(-1)! < validation[0]!, validation.join(' '));
});

t.test('the result is a model folder that the student runtime opens, and says the same', async (t) => {
  const decoder = await openDecoder(model, { threads: 1 });
  t.teardown(() => decoder.close());
  t.match(decoder.config, { nLayer: 2, vocabSize: 400, eosTokenIds: [2, 0] });
  t.strictSame((await readdir(model)).sort(), [
    ...[
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ],
  ]);
});

t.test('the report holds curves and facts, and points nowhere', async (t) => {
  const html = await readFile(at('pretrain/report.html'), 'utf8');
  t.match(html, /<svg /);
  for (const fact of ['Loss', 'Gradient norm', 'Trained parameters', 'finished', 'checkpoint-30']) {
    t.ok(html.includes(fact), fact);
  }
  t.notMatch(html, /https?:|<script|<link|@import|url\(/);
});

t.test('interrupted and resumed, it makes the same steps to the bit', async (t) => {
  const output = at('interrupted');
  const text = pretrainText.replace(at('pretrain'), output);
  const stopped = await runTiny('pretrain', text, { signal: abortedAfterStep(output, 7) });
  t.match(stopped.result, { outcome: 'interrupted', step: 7, result: null });
  t.match(stopped.lines, [/stopped at step 7 of 30; saved .*checkpoint-7$/, /next {3}RESUME/]);
  const resumed = await runTiny('pretrain', text, { resume: true });
  t.match(resumed.result, { outcome: 'finished', step: 30, result: join(output, 'model') });
  t.strictSame(await figuresOf(output), await figuresOf(at('pretrain')));
  const weights = (folder: string) => readFile(join(folder, 'model/model.safetensors'));
  t.ok((await weights(output)).equals(await weights(at('pretrain'))), 'and ends with the same weights');
});

t.test('a folder that holds a run is not trained into without --resume, nor by two at once', async (t) => {
  await t.rejects(runTiny('pretrain', pretrainText), {
    code: 'CONFIG_INVALID',
    message: /already holds a run at step 30\. Add --resume/,
  });
  const again = await runTiny('pretrain', pretrainText, { resume: true });
  t.match(again.lines, [/has been trained to its end already/]);
  await writeFile(at('pretrain/run.lock'), JSON.stringify({ pid: process.ppid, startedAt: null }));
  await t.rejects(runTiny('pretrain', pretrainText, { resume: true }), {
    message: new RegExp(`^Process ${process.ppid} is training into`),
  });
  await rm(at('pretrain/run.lock'));
});

t.test('a result that was lost is written again from the last checkpoint', async (t) => {
  const before = await readFile(join(model, 'model.safetensors'));
  await rm(model, { recursive: true });
  await runTiny('pretrain', pretrainText, { resume: true });
  t.ok(before.equals(await readFile(join(model, 'model.safetensors'))));
});

t.test('other settings or data are not resumed, and the difference is named', async (t) => {
  await t.rejects(
    runTiny('pretrain', pretrainText, { resume: true, set: ['optimizer.learningRate=1e-4', 'seed=9'] }),
    { code: 'CONFIG_INVALID', message: /seed was 1, is 9; optimizer\.learningRate was 0\.003, is 0\.0001\./ },
  );
  const data = await readFile(at('data/texts.jsonl'), 'utf8');
  await writeFile(at('data/texts.jsonl'), `${data}{"text":"더"}\n`);
  await t.rejects(runTiny('pretrain', pretrainText, { resume: true }), {
    code: 'CONFIG_INVALID',
    message: /the data file .*texts\.jsonl has another content/,
  });
  await writeFile(at('data/texts.jsonl'), data);
  const kept = await runTiny('pretrain', pretrainText, {
    resume: true,
    set: ['checkpoint.keep=5', 'divergence=null'],
  });
  t.equal(kept.result.outcome, 'finished', 'what does not change the steps may change');
});

t.test('a plan says what would be trained, and writes nothing', async (t) => {
  const text = pretrainText.replace(at('pretrain'), at('planned'));
  const { result, lines } = await runTiny('pretrain', text, { dryRun: true });
  t.strictSame(result, { outcome: 'planned', step: 0, result: null });
  const plan = lines.join('\n');
  for (const part of [
    /Trained parameters +43,680/,
    /52 documents/,
    /activations +[\d.]+ MiB/,
    /together/,
    /30 steps of about 192 tokens/,
    /tokens\/s, measured/,
  ]) {
    t.match(plan, part);
  }
  await t.rejects(readdir(at('planned')), { code: 'ENOENT' });
});

t.test('a run that cannot fit is refused before it starts, with the parts', async (t) => {
  const text = pretrainText.replace(at('pretrain'), at('large'));
  const set = ['model.shape={hiddenSize: 16384, nLayer: 48, nHead: 128}'];
  await t.rejects(runTiny('pretrain', text, { set }), {
    code: 'TRAINING_MEMORY',
    message:
      /The run needs about [\d,]+ MiB.*\n {2}trained weights, gradients and moments +[\d,]+ MiB\n {2}activations /,
  });
  t.notOk((await readdir(at('large'))).some((name) => name.startsWith('checkpoint')));
});

t.test('above 4 GiB of trained weights a run is refused too, whatever memory there is', async (t) => {
  const text = pretrainText.replace(at('pretrain'), at('beyond'));
  const set = ['memory.allowOvercommit=true', 'model.shape={hiddenSize: 4096, nLayer: 8, nHead: 32}'];
  await t.rejects(runTiny('pretrain', text, { set }), {
    code: 'TRAINING_MEMORY',
    message: /trained parameters, with .* take .* GiB .*; at most 4\.00 GiB .* can be addressed with 32 bits/,
  });
  t.notOk((await readdir(at('beyond'))).some((name) => /^checkpoint|^metrics/u.test(name)));
});

t.test('what a refused start has learnt is not taken for that of other settings', async (t) => {
  const text = pretrainText.replace(at('pretrain'), at('large'));
  await runTiny('pretrain', text, { set: ['tokenizer.vocabSize=380', 'steps=1'] });
  t.match(await readFile(at('large/model/config.json'), 'utf8'), /"vocab_size": 380/);
});

t.test(
  'weights that make the loss no number stop a run at its first step, with step and documents named',
  async (t) => {
    await cp(model, at('spoilt'), { recursive: true });
    const path = at('spoilt/model.safetensors');
    const weights = await readFile(path);
    const { tensors } = await readSafetensorsHeader(path);
    // Finite, or it would be refused; the product of gate and up is not.
    const { offset, length } = tensors.get('model.layers.0.post_attention_layernorm.weight')!;
    for (let i = 0; i < length; i += 4) weights.writeFloatLE(3e38, offset + i);
    await writeFile(path, weights);
    const fields = { model: { from: at('spoilt') }, data: dialogues };
    for (const accumulate of [1, 2]) {
      const output = at(`spoilt-${accumulate}`);
      await t.rejects(runTiny('sft', runText('sft', output, { ...fields, accumulate })), {
        code: 'TRAINING_DIVERGED',
        message: /^Step 1: the loss is NaN\. Its batch came from law \d+, .* There is no checkpoint yet\./,
      });
      t.match(await readFile(join(output, 'report.html'), 'utf8'), /diverged/);
      t.notOk((await readdir(output)).some((name) => name.startsWith('checkpoint')));
    }
  },
);

t.test('fine-tuning learns the responses, in micro-batches as in one', async (t) => {
  const text = runText('sft', at('sft'), { model: { from: model }, data: dialogues, accumulate: 2 });
  const { result, lines } = await runTiny('sft', text);
  t.equal(result.result, at('sft/model'));
  t.match(lines.join('\n'), /next {3}haetae lm generate --model/);
  const figures = await figuresOf(at('sft'));
  const [first, last] = [validationLosses(figures)[0]!, validationLosses(figures).at(-1)!];
  t.ok(last < first, `${first} → ${last}`);
  await runTiny('sft', text.replace(at('sft'), at('sft-one')), { set: ['accumulate=1', 'data.rows=8'] });
  const one = await figuresOf(at('sft-one'));
  for (const [i, loss] of trainingLosses(figures).entries()) {
    t.ok(
      Math.abs(loss - trainingLosses(one)[i]!) < 1e-4,
      `step ${i + 1}: ${loss} as ${trainingLosses(one)[i]}`,
    );
  }
});

t.test('how examples are laid into rows is as the run file says', async (t) => {
  const text = runText('sft', at('laid'), { model: { from: model }, data: dialogues });
  const plan = async (...set: string[]) =>
    (await runTiny('sft', text, { dryRun: true, set })).lines.join('\n');
  const fill = (lines: string) => Number(/([\d.]+) % of positions hold a token/.exec(lines)![1]);
  const packed = await plan();
  t.notMatch(packed, /Too long or empty/);
  const short = [
    `data.train=["${at('data/short.jsonl')}"]`,
    'data.validationFraction=0',
    'data.maxPromptTokens=4',
  ];
  const line = JSON.stringify({ prompt: '은행', response: '약관' });
  await writeFile(at('data/short.jsonl'), `${line}\n`.repeat(12));
  const several = fill(await plan(...short));
  const single = fill(await plan(...short, 'data.packing=single'));
  t.ok(single < 0.6 * several, `one example to a row leaves more of it empty: ${single}, ${several} %`);
  t.match(await plan('data.maxPromptTokens=2'), /Too long or empty +\d+ cut, 0 left out/);
  t.match(await plan('data.length=28', 'data.tooLong=drop'), /Too long or empty +0 cut, \d+ left out/);
});

t.test('LoRA trains adapters only; resumed it makes the same steps to the bit', async (t) => {
  const fields = { model: { from: model }, data: dialogues, lora: { r: 4, alpha: 8 } };
  const { result, lines } = await runTiny('sft', runText('sft', at('lora'), fields));
  t.equal(result.result, at('lora/adapter'));
  t.match(lines.join('\n'), /next {3}haetae merge --base .*pretrain\/model --adapter .*adapter --out/);
  t.strictSame((await readdir(at('lora/adapter'))).sort(), [
    'adapter_config.json',
    'adapter_model.safetensors',
  ]);
  const meta = await readFile(at('lora/checkpoint-12/training-state.safetensors'));
  t.ok(meta.byteLength < (await readFile(join(model, 'model.safetensors'))).byteLength);
  const text = runText('sft', at('lora-two'), fields);
  await runTiny('sft', text, { signal: abortedAfterStep(at('lora-two'), 6) });
  await runTiny('sft', text, { resume: true });
  t.strictSame(await figuresOf(at('lora-two')), await figuresOf(at('lora')));
  t.ok(validationLosses(await figuresOf(at('lora'))).length >= 2);
});

const pairs = { ...dialogues, train: [at('data/pairs.jsonl')], rows: 2 };
for (const form of ['released', 'paper'] as const) {
  t.test(
    `distilling pairs (${form}) brings the student nearer to its teacher, resumed to the bit`,
    async (t) => {
      const output = at(`distill-${form}`);
      const fields = {
        ...{ model: { from: model }, teacher: { from: at('sft/model') }, data: pairs },
        ...{ loss: { name: 'distillm2', form }, alphaWindowSteps: 4 },
      };
      await runTiny('distill', runText('distill', output, fields));
      const figures = await figuresOf(output);
      const validation = validationLosses(figures);
      t.ok(validation.at(-1)! < validation[0]!, validation.join(' '));
      const betas = figures.flatMap(({ beta }) => (beta === undefined ? [] : [beta]));
      t.strictSame(betas.at(0), 1);
      t.equal(betas.at(-1), form === 'paper' ? 1.5 : 1);
      t.equal('alpha1' in figures[0]!, form === 'paper');
      const alphas = figures.flatMap(({ alpha1, alpha2 }) =>
        alpha1 === undefined ? [] : [[alpha1, alpha2]],
      );
      const isLargest = alphas.map((pair) => pair.every((alpha) => Math.abs(alpha! - 0.1) < 1e-6));
      if (form === 'paper') {
        t.same(isLargest.slice(0, 4), [true, true, true, true], 'until the window closes');
        t.ok(isLargest.slice(4).includes(false), 'behind it pairs have an α of their own');
      }
      const again = runText('distill', `${output}-two`, fields);
      await runTiny('distill', again, { signal: abortedAfterStep(`${output}-two`, 3) });
      await runTiny('distill', again, { resume: true });
      t.strictSame(await figuresOf(`${output}-two`), figures);
    },
  );
}

t.test('a plain divergence comes from a teacher or from its cache alike', async (t) => {
  const fields = {
    ...{ model: { from: model }, data: dialogues, loss: { name: 'skew_forward_kl' }, lora: { r: 4 } },
  };
  const teacher = { from: at('sft/model') };
  await runTiny('distill', runText('distill', at('kl'), { ...fields, teacher }));
  const cache = at('teacher.cache');
  const cached = { ...fields, teacher: { ...teacher, cache, cacheType: 'float32' } };
  const large = runText('distill', at('kl-large'), { ...cached, lora: { r: 1_000_000 } });
  await t.rejects(runTiny('distill', large), { code: 'TRAINING_MEMORY' });
  t.notOk(existsSync(cache), 'a run that does not fit asks the teacher nothing');
  await runTiny('distill', runText('distill', at('kl-cached'), cached));
  const [live, stored] = [await figuresOf(at('kl')), await figuresOf(at('kl-cached'))];
  for (const [i, loss] of trainingLosses(live).entries()) {
    t.ok(
      Math.abs(loss - trainingLosses(stored)[i]!) < 1e-4,
      `step ${i + 1}: ${loss} as ${trainingLosses(stored)[i]}`,
    );
  }
  const narrow = { ...teacher, cache: at('narrow.cache'), topK: 8 };
  await runTiny('distill', runText('distill', at('kl-narrow'), { ...fields, teacher: narrow }));
  const bytes = (path: string) => statSync(path).size;
  t.ok(bytes(at('narrow.cache')) < bytes(cache) / 5, 'a cache of 8 tokens of 400 is small');
  const wide = { ...teacher, cache: at('wide.cache'), topK: 5000 };
  await t.rejects(runTiny('distill', runText('distill', at('kl-wide'), { ...fields, teacher: wide })), {
    code: 'CONFIG_INVALID',
    message: /teacher\.topK is 5000, and the vocabulary has 400 tokens/,
  });
  t.notOk((await readdir(root)).includes('wide.cache'), 'nothing is begun');
  const alone = runText('distill', at('kl-alone'), { ...fields, teacher: { cache } });
  await runTiny('distill', alone);
  t.strictSame(
    trainingLosses(await figuresOf(at('kl-alone'))),
    trainingLosses(stored),
    'the cache is enough',
  );
  await appendFile(cache, 'another');
  await t.rejects(runTiny('distill', alone, { resume: true }), {
    code: 'CONFIG_INVALID',
    message: /the teacher's cache .*teacher\.cache has another content/,
  });
});

t.test('a teacher of another vocabulary is refused with both', async (t) => {
  await runTiny('pretrain', pretrainText.replace(at('pretrain'), at('other')), {
    set: ['tokenizer.vocabSize=380', 'steps=1'],
  });
  const text = runText('distill', at('mismatch'), {
    ...{ model: { from: model }, teacher: { from: at('other/model') }, data: pairs },
    loss: { name: 'distillm2', form: 'released' },
  });
  await t.rejects(runTiny('distill', text), { code: 'TRAINING_VOCABULARY', message: /400.*380/ });
});
