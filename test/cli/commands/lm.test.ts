/** Real runs of `haetae lm` on tiny random checkpoints. */
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { lmCommand } from '../../../cli/commands/lm.js';
import { runHaetae } from '../../fixtures/run-haetae.js';
import { writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';
import { writeTinyExport } from '../../fixtures/tiny-export.js';

const folder = t.testdir({});
const model = await writeTinyCheckpoint(join(folder, 'tiny-qwen'));
const long = await writeTinyCheckpoint(join(folder, 'long-llama'), {
  family: 'llama',
  dtype: 'bfloat16',
  config: { max_position_embeddings: 32_768 },
});
const lm = (args: string[], more: Partial<Parameters<typeof runHaetae>[0]> = {}) =>
  runHaetae({ args: ['lm', ...args], ...more });
/** In this process: for what is refused. */
const here = (args: string[]) => lmCommand().parseAsync(args, { from: 'user' });
const json = async (t: Test, args: string[], input?: string) => {
  const { code, out, err } = await lm(args, input === undefined ? {} : { input });
  t.equal(code, 0, err);
  return JSON.parse(out);
};

t.test('generate: stdout is the text alone, by every way a prompt can come', async (t) => {
  const sampling = ['--max-new-tokens', '12', '--temperature', '0', '--ignore-eos'];
  const prompt = '전자금융거래의 안전';
  const [whole, streamed, fromInput, asJson] = await Promise.all([
    lm(['generate', '--model', model, '--prompt', prompt, ...sampling]),
    lm(['generate', '--model', model, '--prompt', prompt, '--stream', ...sampling]),
    lm(['generate', '--model', model, ...sampling], { input: `${prompt}\n` }),
    json(t, ['generate', '--model', model, '--prompt', prompt, '--json', '--top-logprobs', '1', ...sampling]),
  ]);
  t.match(whole, { code: 0, err: /tiny-qwen: qwen2, float32, (?:amx|vnni|runtime) kernels, opened in/ });
  t.match(whole.err, /length; \d+ prompt tokens.*, 12 new at [\d.]+\/s/);
  for (const other of [streamed, fromInput]) t.equal(other.out, whole.out);
  t.equal(`${asJson.text}\n`, whole.out);
  t.match(asJson, {
    precision: 'float32',
    finishReason: 'length',
    stopText: null,
    usage: { promptTokens: Number, cachedTokens: 0, completionTokens: 12 },
    timings: { prefillTokensPerSecond: Number, decodeTokensPerSecond: Number, timeToFirstTokenMs: Number },
  });
  t.equal(asJson.tokens.length, 12);
  for (const token of asJson.tokens) t.equal(token.id, token.topLogprobs[0].id, 'greedy takes the likeliest');
});

t.test('generate: a chat is its template, and a seed repeats itself', async (t) => {
  const sampled = ['--json', '--max-new-tokens', '16', '--temperature', '1.5', '--ignore-eos'];
  const written =
    '<|im_start|>system\n짧게.<|im_end|>\n<|im_start|>user\n보안<|im_end|>\n<|im_start|>assistant\n';
  const [chat, plain, other] = await Promise.all([
    json(t, ['generate', '--model', model, '--chat', '--system', '짧게.', '--prompt', '보안', ...sampled]),
    json(t, ['generate', '--model', model, '--prompt', written, ...sampled]),
    json(t, ['generate', '--model', model, '--prompt', written, '--seed', '7', ...sampled]),
  ]);
  t.equal(chat.text, plain.text);
  t.equal(chat.usage.promptTokens, plain.usage.promptTokens);
  t.not(other.text, plain.text);
});

t.test('generate: Ctrl-C stops between two tokens and keeps what there is', async (t) => {
  const endless = ['--max-new-tokens', '30000', '--ignore-eos', '--prompt', '금융', '--temperature', '1'];
  let sent = false;
  const [streamed, asJson] = await Promise.all([
    lm(['generate', '--model', long, '--stream', ...endless], {
      onOutput: ({ out }, kill) => {
        if (out.length > 20 && !sent) kill('SIGINT');
        sent ||= out.length > 20;
      },
    }),
    lm(['generate', '--model', long, '--json', '--bos', ...endless], {
      onOutput: ({ err }, kill) => {
        if (err.includes('opened in')) kill('SIGTERM');
      },
    }),
  ]);
  t.match(streamed, { code: 130, err: /interrupted; 1 prompt tokens.*new/ });
  t.ok(streamed.out.length > 20 && streamed.out.endsWith('\n'));
  t.equal(asJson.code, 130, asJson.err);
  const { text, finishReason, usage } = JSON.parse(asJson.out);
  t.match({ finishReason, usage }, { finishReason: 'interrupted', usage: { promptTokens: 2 } });
  t.equal(typeof text, 'string');
});

t.test('logprobs: a chain of tokens, and perplexity is the same measured elsewhere', async (t) => {
  const text = '전자금융거래법은 이용자를 보호하고 안전한 거래를 정한다.\nthe order';
  const file = join(folder, 'text.txt');
  await writeFile(file, text);
  const score = (before: string, ...after: string[]) =>
    json(t, ['logprobs', '--model', model, '--text', before, '--continuation', ...after]);
  const [pair, chained, perplexity] = await Promise.all([
    score('금융', '보안', '정보', '보안정보'),
    score('금융보안', '정보'),
    json(t, ['perplexity', '--model', model, '--text', file, '--json', '--context', '200']),
  ]);
  t.match(pair, { model, precision: 'float32', text: '금융', textTokens: [Number] });
  const [first, , both] = pair.continuations;
  t.strictSame(
    both.tokens.map((token: { text: string }) => token.text),
    ['보안', '정보'],
  );
  t.ok(Math.abs(both.sum - (first.sum + chained.continuations[0].sum)) < 1e-4);
  t.ok(Math.abs(both.mean - both.sum / 2) < 1e-9 && Math.abs(both.perplexity - Math.exp(-both.mean)) < 1e-9);

  // Text that begins with one letter of one token, so that the rest is tokenised as it is in the whole.
  const rest = await json(t, [
    'logprobs',
    '--model',
    model,
    '--text',
    '전자',
    '--continuation',
    text.slice(2),
  ]);
  const [{ tokens, mean }] = rest.continuations;
  t.equal(tokens.map((token: { text: string }) => token.text).join(''), text.slice(2));
  t.equal(perplexity.tokens, tokens.length + 1);
  t.ok(Math.abs(perplexity.meanNll + mean) < 1e-4, `${perplexity.meanNll} ${mean}`);
  t.ok(
    Math.abs(
      perplexity.bitsPerByte - (perplexity.meanNll * perplexity.tokens) / Math.LN2 / Buffer.byteLength(text),
    ) < 1e-6,
  );
});

t.test('one model in three forms: as it is, exported by others, and quantised', async (t) => {
  const exported = await writeTinyExport(join(folder, 'exported'), { externalData: true });
  await copyFile(join(model, 'tokenizer.json'), join(exported, 'tokenizer.json'));
  const int4 = join(folder, 'int4');
  const quantized = await runHaetae({
    args: ['quantize', model, '-o', int4, '--bits', '4', '--block', '32'],
  });
  t.equal(quantized.code, 0, quantized.err);
  const [plain, asExported, asInt4] = await Promise.all(
    [model, exported, int4].map((name) =>
      json(t, ['logprobs', '--model', name, '--text', '금융', '--continuation', '보안은 중요합니다.']),
    ),
  );
  t.strictSame([plain.precision, asExported.precision], ['float32', 'as exported (onnx/model.onnx)']);
  t.match(asInt4.precision, /^int4 block 32, head 8 bits/);
  const [{ sum, tokens }] = plain.continuations;
  t.ok(Math.abs(asExported.continuations[0].sum - sum) < 1e-3);
  const difference = Math.abs(asInt4.continuations[0].sum - sum) / tokens.length;
  t.ok(difference > 1e-6 && difference < 0.5, `${difference} nats a token`);
});

t.test('logprobs: --bos is one more token before the text, which may then be empty', async (t) => {
  const { bos_token_id: bos } = JSON.parse(await readFile(join(model, 'config.json'), 'utf8'));
  const [withBos, alone, empty] = await Promise.all([
    json(t, ['logprobs', '--model', model, '--bos', '--text', '금융', '--continuation', '보안']),
    json(t, ['logprobs', '--model', model, '--bos', '--text', '', '--continuation', '금융보안']),
    here(['logprobs', '--model', model, '--text', '', '--continuation', '보안']).catch((error) => error),
  ]);
  t.equal(withBos.textTokens[0], bos);
  t.equal(withBos.textTokens.length, 2);
  t.ok(Math.abs(withBos.continuations[0].sum - alone.continuations[0].tokens[1].logprob) < 1e-4);
  t.match(empty, { code: 'USAGE', message: /prompt is empty/ });
});

t.test('perplexity for people is one line; standard input is a text too', async (t) => {
  const text = '금융보안 정보를 사용하는 자는 조치하여야 합니다. '.repeat(6);
  const [narrow, wide] = await Promise.all([
    lm(['perplexity', '--model', model, '--context', '16', '--stride', '4'], { input: text }),
    json(t, ['perplexity', '--model', model, '--context', '256', '--json'], text),
  ]);
  t.match(narrow, { code: 0, out: /^perplexity [\d.]+ {2}[\d.]+ bits a byte {2}\d+ tokens at [\d.]+\/s\n$/ });
  t.match(wide, { context: 256, stride: 128, perplexity: Number });
  t.not(Number(narrow.out.split(' ')[1]), wide.perplexity);
});

t.test('wrong usage exits with 2, a folder that cannot be opened with 1', async (t) => {
  const generate = ['generate', '--model', model, '--prompt', 'a'];
  const absent = ['generate', '--model', join(folder, 'absent'), '--prompt', 'a', '--models-dir', folder];
  const [number, conflict, nothing, noFolder] = await Promise.all([
    lm([...generate, '--temperature', '-1']),
    lm([...generate, '--stream', '--json']),
    lm(['logprobs', '--model', model, '--text', 'a']),
    lm(absent),
  ]);
  t.match(number, { code: 2, out: '', err: /--temperature.*≥ 0/ });
  t.match(conflict, { code: 2, out: '', err: /--stream.*cannot be used with.*--json/ });
  t.match(nothing, { code: 2, out: '', err: /--continuation/ });
  t.match(noFolder, {
    code: 1,
    out: '',
    err: /FILE_NOT_FOUND: .*absent is neither a model folder nor a bundle/,
  });
});

t.test('options that do not go together, or do not fit the model, are wrong usage', async (t) => {
  const generate = ['generate', '--model', model, '--prompt', 'a'];
  const perplexity = ['perplexity', '--model', model, '--text', join(model, 'config.json')];
  const wrong: [args: string[], message: RegExp][] = [
    [[...generate, '--top-logprobs', '3'], /Add --json/],
    [[...generate, '--system', 's'], /Add --chat/],
    [[...generate, '--prompt-file', 'b'], /--prompt and --prompt-file/],
    [[...perplexity, '--context', '16', '--stride', '16'], /less than/],
    [[...perplexity, '--context', '300'], /256 positions/],
    [['perplexity', '--model', model, '--text', join(model, 'model.safetensors')], /not UTF-8/],
  ];
  for (const [args, message] of wrong)
    await t.rejects(here(args), { code: 'USAGE', message }, args.slice(3).join(' '));
});

t.test('a folder that cannot be opened is named, and why', async (t) => {
  const other = await writeTinyCheckpoint(join(folder, 'other'), { config: { model_type: 'mamba' } });
  const bare = await writeTinyCheckpoint(join(folder, 'bare'));
  await rm(join(bare, 'tokenizer.json'));
  const at = (name: string) => here(['generate', '--model', name, '--prompt', 'a', '--models-dir', folder]);
  await t.rejects(at(other), { code: 'MODEL_UNSUPPORTED', message: /mamba/ });
  await t.rejects(at(bare), { code: 'MODEL_INVALID', message: /tokenizer\.json/ });
  await t.rejects(at('current'), { code: 'BUNDLE_NOT_FOUND' });
});
