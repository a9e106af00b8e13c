import t from 'tap';
import {
  checkContext,
  checkContinuations,
  checkSampling,
  checkTokens,
} from '../../../shared/lm/check-request.js';

t.test('what is not given is the default of the contract', async (t) => {
  t.strictSame(checkSampling({ prompt: 'a' }), {
    maxNewTokens: 64,
    temperature: 0.3,
    topK: 0,
    topP: 1,
    repetitionPenalty: 1,
    stop: [],
    seed: 0,
    topLogprobs: null,
    ignoreEos: false,
  });
});

t.test('the ends of every range are allowed, what is behind them is named', async (t) => {
  const ranges = {
    maxNewTokens: { good: [1, 1e9], bad: [0, -1, 1.5, Number.NaN, '5', null] },
    temperature: { good: [0, 0.001, 100], bad: [-0.001, Number.NaN, Number.POSITIVE_INFINITY, '0', null] },
    topK: { good: [0, 1e6], bad: [-1, 0.5, Number.NaN, null] },
    topP: { good: [1e-9, 1], bad: [0, 1.0001, -1, Number.NaN, null] },
    repetitionPenalty: { good: [0.001, 10], bad: [0, -1, Number.NaN, Number.POSITIVE_INFINITY] },
    seed: { good: [0, -5, 2 ** 53 - 1], bad: [0.5, 2 ** 53, Number.NaN] },
    topLogprobs: { good: [0, 20], bad: [-1, 21, 1.5] },
    stop: {
      good: [[], ['a'], ['x'.repeat(1000)]],
      bad: ['a', [''], ['x'.repeat(1001)], [5], new Array(65).fill('a')],
    },
  };
  for (const [name, { good, bad }] of Object.entries(ranges)) {
    for (const value of good) t.match(checkSampling({ prompt: 'a', [name]: value }), { [name]: value });
    for (const value of bad) {
      const error = {
        code: 'LM_REQUEST_INVALID',
        data: { name },
        message: new RegExp(`^${name} must be .*, got `),
      };
      t.throws(() => checkSampling({ prompt: 'a', [name]: value }), error, `${name} ${value}`);
    }
  }
});

t.test('tokens are of the vocabulary, and at least one', async (t) => {
  checkTokens('The prompt', [0, 9], 10);
  for (const wrong of [10, -1, 1.5, Number.NaN, 2 ** 32]) {
    t.throws(() => checkTokens('The prompt', [1, wrong], 10), {
      code: 'LM_REQUEST_INVALID',
      data: { token: wrong },
    });
  }
  t.throws(() => checkTokens('Continuation 3', [], 10), { message: /^Continuation 3 is empty/ });
});

t.test('continuations are a list of bounded length', async (t) => {
  checkContinuations({ prompt: 'a', continuations: ['b'] });
  for (const continuations of [[], new Array(1001).fill('b'), 'b' as unknown as string[]]) {
    t.throws(() => checkContinuations({ prompt: 'a', continuations }), { code: 'LM_REQUEST_INVALID' });
  }
});

t.test('prompt and output fit the context together', async (t) => {
  checkContext(60, 40, 100);
  t.throws(() => checkContext(60, 41, 100), {
    code: 'LM_CONTEXT_EXCEEDED',
    message: /60 tokens and 41 may follow: 101 do not fit the context of 100/,
    data: { promptTokens: 60, outputTokens: 41, contextLength: 100 },
  });
});
