import t from 'tap';
import { scoreText } from '../../cli/score-text.js';
import type { Tokenizer } from '../../shared/lm/tokenizer.js';
import { codePointTokenizer, fakeLanguageModel } from '../fixtures/fake-language-model.js';

t.test('sum, mean and perplexity of each continuation, in the order given', async (t) => {
  const model = fakeLanguageModel({
    logprob: (before, token) => -(before.length + token.charCodeAt(0) - 96),
  });
  const found = await scoreText(model, { text: 'x', textTokens: [120], continuations: ['ab', 'c'] });
  t.match(found, {
    text: 'x',
    textTokens: [120],
    continuations: [
      {
        text: 'ab',
        sum: -6,
        mean: -3,
        tokens: [
          { id: 97, text: 'a', logprob: -2 },
          { text: 'b', logprob: -4 },
        ],
      },
      { text: 'c', sum: -4, mean: -4, tokens: [{ text: 'c' }] },
    ],
  });
  t.equal(found.continuations[0]?.perplexity, Math.exp(3));
});

t.test('the texts of tokens are together the text, where a character takes several of them', async (t) => {
  const bytes: Tokenizer = {
    ...codePointTokenizer,
    encode: async (text) => [...Buffer.from(text)],
    decode: async (ids) => Buffer.from(ids).toString('utf8'),
  };
  const model = {
    ...fakeLanguageModel({ tokenizer: bytes }),
    score: async () => [
      { tokens: [...Buffer.from('a갉b')], logprobs: [-1, -1, -1, -1, -1], sum: -5 },
      { tokens: [0xea, 0xb0], logprobs: [-1, -1], sum: -2 },
    ],
  };
  const { continuations } = await scoreText(model, {
    text: '',
    textTokens: [1],
    continuations: ['a갉b', '?'],
  });
  t.strictSame(
    continuations.map(({ tokens }) => tokens.map(({ text }) => text)),
    [
      ['a', '', '', '갉', 'b'],
      ['', '\uFFFD'],
    ],
  );
});
