import { join } from 'node:path';
import t from 'tap';
import { openChatTemplate } from '../../../shared/lm/chat-template-folder.js';
import { openTokenizer } from '../../../shared/lm/tokenizer.js';
import { controlTokens, learnTokenizer } from '../../../training/programs/learn-tokenizer.js';
import { sentences } from './tiny-runs.js';

async function* texts(): AsyncGenerator<string> {
  yield* sentences(200);
}

t.test('every text has tokens, and comes back from them', async (t) => {
  const folder = t.testdir({});
  t.equal(await learnTokenizer(texts(), 400, folder), 400);
  const tokenizer = await openTokenizer(join(folder, 'tokenizer.json'));
  t.equal(tokenizer.vocabSize, 400);
  for (const text of [
    ...sentences(5, 9),
    'plain English, 12345 times\n\n  and  spaces',
    '龍🐉\u0000\t',
    'é',
  ]) {
    t.equal(
      await tokenizer.decode(await tokenizer.encode(text)),
      text.normalize('NFC'),
      JSON.stringify(text),
    );
  }
  const [seen] = sentences(1);
  t.ok((await tokenizer.encode(seen!)).length < Buffer.byteLength(seen!) / 4, 'what it has seen is short');
});

t.test('control tokens come first, and the chat template writes them', async (t) => {
  const folder = t.testdir({});
  await learnTokenizer(texts(), 300, folder);
  const tokenizer = await openTokenizer(join(folder, 'tokenizer.json'));
  for (const [id, token] of controlTokens.entries()) t.equal(tokenizer.tokenToId(token), id);
  const template = await openChatTemplate(folder);
  const chat = template!.render([{ role: 'user', content: '질문' }]);
  t.equal(chat, '<|im_start|>user\n질문<|im_end|>\n<|im_start|>assistant\n');
});

t.test('the same texts give the same vocabulary', async (t) => {
  const [one, two] = [t.testdir({ one: {}, two: {} }), 'two'];
  await learnTokenizer(texts(), 400, join(one, 'one'));
  await learnTokenizer(texts(), 400, join(one, two));
  const ids = await Promise.all(
    ['one', 'two'].map(async (name) =>
      (await openTokenizer(join(one, name, 'tokenizer.json'))).encodeBatch(sentences(20, 5)),
    ),
  );
  t.strictSame(ids[0], ids[1]);
});

t.test('more than the library learns, or less than the bytes take, is refused', async (t) => {
  for (const size of [258, 30_001]) {
    await t.rejects(learnTokenizer(texts(), size, t.testdir({})), {
      code: 'CONFIG_INVALID',
      message: /tokenizer\.vocabSize is \d+, allowed is a whole number from 259 to 30000/,
    });
  }
});
