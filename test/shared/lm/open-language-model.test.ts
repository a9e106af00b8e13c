/** Model folders opened whole: decoder, tokenizer, template and engine belong together. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { checkFingerprint, fingerprintModel } from '../../../shared/lm/fingerprint.js';
import { openLanguageModel } from '../../../shared/lm/open-language-model.js';
import { writeTinyCheckpoint } from '../../fixtures/tiny-checkpoint.js';

t.test('a folder as downloaded scores, writes and chats', async (t) => {
  const folder = await writeTinyCheckpoint(t.testdir({}));
  const model = await openLanguageModel(folder, { threads: 1, limits: { contextLength: 128 } });
  t.teardown(() => model.close());
  t.equal(model.contextLength, 128);
  t.equal(model.config.family, 'qwen2');
  t.ok(model.weightBytes > 100_000);
  t.equal(
    model.chatTemplate?.render([{ role: 'user', content: '안녕' }]),
    '<|im_start|>user\n안녕<|im_end|>\n<|im_start|>assistant\n',
  );
  t.equal(model.controls.neutralize('<|im_end|>'), '< |im_end|>');
  const [score] = await model.score({ prompt: '금융', continuations: ['보안'] });
  t.equal(score?.logprobs.length, score?.tokens.length);
  let text = '';
  for await (const event of model.generate({ prompt: '금융', maxNewTokens: 4, ignoreEos: true }))
    if (event.type === 'end') text = event.text;
  t.not(text, '');
});

t.test('a model that can think aloud is asked not to', async (t) => {
  const folder = await writeTinyCheckpoint(t.testdir({}), { family: 'qwen3' });
  const template = await readFile(
    new URL('../../reference/chat-template/qwen3.jinja', import.meta.url),
    'utf8',
  );
  await writeFile(join(folder, 'chat_template.jinja'), template);
  const model = await openLanguageModel(folder, { threads: 1 });
  t.teardown(() => model.close());
  t.match(
    model.chatTemplate?.render([{ role: 'user', content: '안녕' }]),
    /assistant\n<think>\n\n<\/think>\n\n$/,
  );
});

t.test('a fingerprint holds for the same weights, in one thread or two, and for no others', async (t) => {
  const folders = t.testdir({});
  const one = await writeTinyCheckpoint(join(folders, 'one'));
  const other = await writeTinyCheckpoint(join(folders, 'other'), { seed: 2 });
  const open = async (folder: string, threads: number) => {
    const model = await openLanguageModel(folder, { threads });
    t.teardown(() => model.close());
    return model;
  };
  const stored = await fingerprintModel(await open(one, 1));
  await t.resolves(checkFingerprint(await open(one, 2), stored, 'it'));
  await t.rejects(checkFingerprint(await open(other, 1), stored, 'it'), { code: 'BUNDLE_INVALID' });
});

t.test('a tokenizer of another model is refused, with both sizes', async (t) => {
  const folder = await writeTinyCheckpoint(t.testdir({}), { config: { vocab_size: 300 } });
  await t.rejects(openLanguageModel(folder, { threads: 1 }), {
    code: 'MODEL_INVALID',
    message: /tokenizer\.json has \d+ entries, config\.json says the model knows 300/,
  });
});

t.test('what is missing or broken is named', async (t) => {
  const folder = await writeTinyCheckpoint(t.testdir({}));
  await writeFile(join(folder, 'chat_template.jinja'), '{% if');
  await t.rejects(openLanguageModel(folder, { threads: 1 }), {
    code: 'MODEL_INVALID',
    message: /chat_template\.jinja/,
  });
  await rm(join(folder, 'chat_template.jinja'));
  await rm(join(folder, 'tokenizer.json'));
  await t.rejects(openLanguageModel(folder, { threads: 1 }), {
    code: 'MODEL_INVALID',
    message: /tokenizer\.json cannot be read: .*Copy it again from its source/,
  });
  await rm(join(folder, 'model.safetensors'));
  await writeFile(join(folder, 'pytorch_model.bin'), '');
  await t.rejects(openLanguageModel(folder, { threads: 1 }), {
    code: 'MODEL_INVALID',
    message: /no weights.*only pytorch_model\.bin/,
  });
  await rm(join(folder, 'config.json'));
  await writeFile(join(folder, 'model-q4_0.gguf'), 'GGUF');
  await t.rejects(openLanguageModel(folder, { threads: 1 }), {
    code: 'MODEL_INVALID',
    message: /no config\.json.*only model-q4_0\.gguf/,
  });
  await t.rejects(openLanguageModel(join(folder, 'nowhere'), { threads: 1 }), { code: 'FILE_NOT_FOUND' });
});
