import t from 'tap';
import { promptTokens } from '../../cli/prompt-tokens.js';
import { fakeConfig, fakeLanguageModel } from '../fixtures/fake-language-model.js';

const model = fakeLanguageModel({
  chatTemplate: {
    render: (messages) => messages.map(({ role, content }) => `${role[0]}:${content};`).join(''),
  },
});
const text = async (...args: Parameters<typeof promptTokens>) =>
  String.fromCodePoint(...(await promptTokens(...args)));

t.test('a prompt is plain, a chat, or behind the BOS token', async (t) => {
  t.equal(await text(model, { prompt: '보안' }), '보안');
  t.equal(await text(model, { prompt: '보안', chat: true }), 'u:보안;');
  t.equal(await text(model, { prompt: '보안', chat: true, system: '짧게' }), 's:짧게;u:보안;');
  const withBos = { ...model, config: { ...fakeConfig, bosTokenId: 1 } };
  t.strictSame(await promptTokens(withBos, { prompt: 'a', bos: true }), [1, 97]);
  t.strictSame(await promptTokens(withBos, { prompt: '', bos: true }), [1]);
});

t.test('what the model lacks is wrong usage', async (t) => {
  const wrong = (message: RegExp) => ({ code: 'USAGE', message });
  await t.rejects(promptTokens(fakeLanguageModel(), { prompt: 'a', chat: true }), wrong(/no chat template/));
  await t.rejects(promptTokens(model, { prompt: 'a', bos: true }), wrong(/no BOS token/));
  await t.rejects(promptTokens(model, { prompt: 'a', bos: true, chat: true }), wrong(/writes BOS itself/));
  await t.rejects(promptTokens(model, { prompt: '' }), wrong(/empty/));
});
