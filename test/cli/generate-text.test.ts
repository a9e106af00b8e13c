import t from 'tap';
import { generateText } from '../../cli/generate-text.js';
import type { GenerateEvent, LanguageModel } from '../../shared/lm/language-model.js';
import { fakeLanguageModel } from '../fixtures/fake-language-model.js';

const prompt = [44_552, 50_997];
const open = new AbortController().signal;

t.test('a whole text has its usage, its speed and, where asked for, its tokens', async (t) => {
  const model = fakeLanguageModel({ write: () => ['가', '나', '다'] });
  const heard: string[] = [];
  const done = await generateText({
    model,
    prompt,
    sampling: { topLogprobs: 0 },
    signal: open,
    onText: (text) => heard.push(text),
  });
  t.strictSame(heard, ['가', '나', '다']);
  t.match(done, {
    text: '가나다',
    finishReason: 'stop',
    usage: { promptTokens: 2, cachedTokens: 2, completionTokens: 3 },
    timings: { prefillTokensPerSecond: null, decodeTokensPerSecond: 2000 },
  });
  t.equal(done.tokens?.length, 3);
  t.strictSame(model.generated, [{ prompt, topLogprobs: 0 }]);
  const plain = await generateText({ model, prompt, sampling: {}, signal: open });
  t.notOk('tokens' in plain);
});

t.test('interrupted between two tokens, it keeps those that came', async (t) => {
  const interrupt = new AbortController();
  const model = fakeLanguageModel({ write: () => ['가', '나', '다'] });
  const done = await generateText({
    model,
    prompt,
    sampling: {},
    signal: interrupt.signal,
    onText: (text) => text === '나' && interrupt.abort(),
  });
  t.match(done, {
    text: '가나',
    finishReason: 'interrupted',
    usage: { promptTokens: 2, cachedTokens: 0, completionTokens: 2 },
  });
});

t.test('interrupted before the first token, there is nothing, and that is no error', async (t) => {
  const model: LanguageModel = {
    ...fakeLanguageModel(),
    async *generate(request, signal): AsyncGenerator<GenerateEvent> {
      signal?.throwIfAborted();
      yield* fakeLanguageModel().generate(request, signal);
    },
  };
  const done = await generateText({ model, prompt: '금융', sampling: {}, signal: AbortSignal.abort() });
  t.match(done, { text: '', finishReason: 'interrupted', usage: { promptTokens: 2, completionTokens: 0 } });
});

t.test('what the model throws comes through', async (t) => {
  const model: LanguageModel = {
    ...fakeLanguageModel(),
    generate: () => {
      throw new Error('no room');
    },
  };
  await t.rejects(generateText({ model, prompt, sampling: {}, signal: open }), { message: 'no room' });
});
