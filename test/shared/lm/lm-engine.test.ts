import t, { type Test } from 'tap';
import type { EngineLimits } from '../../../shared/lm/engine-limits.js';
import type { ContinuationScore } from '../../../shared/lm/language-model.js';
import { createLanguageModel } from '../../../shared/lm/lm-engine.js';
import { byteTokenizer, endOfText } from '../../fixtures/byte-tokenizer.js';
import { FakeClock, settle } from '../../fixtures/fake-clock.js';
import { generateAll, randomTokens } from '../../fixtures/lm-requests.js';
import { PlainDecoder, type PlainDecoderOptions } from '../../fixtures/plain-decoder.js';
import { seededRandom } from '../../../shared/random.js';

const tokenizer = await byteTokenizer();

function open(t: Test, options: PlainDecoderOptions = {}, limits: Partial<EngineLimits> = {}) {
  const decoder = new PlainDecoder(options);
  const model = createLanguageModel({ decoder, tokenizer, limits });
  t.teardown(() => model.close());
  return { decoder, model };
}

/** Fails where scores are not those of one forward pass for each token. */
function sameScores(t: Test, decoder: PlainDecoder, prompt: number[], scores: ContinuationScore[]) {
  for (const { tokens, logprobs } of scores) {
    const naive = decoder.score(prompt, tokens);
    const worst = Math.max(...naive.map((logprob, i) => Math.abs(logprob - logprobs[i]!)));
    if (!(worst < 1e-4)) t.fail(`scores are off by ${worst}`);
  }
}

const kinds: [string, PlainDecoderOptions][] = [
  ['full attention', {}],
  ['sliding window', { seed: 2, config: { slidingWindow: [7, null] } }],
  [
    'three layers, one key head, no branches',
    { seed: 3, supportsBranches: false, config: { nLayer: 3, nKvHead: 1, slidingWindow: [null, 5, 9] } },
  ],
];

for (const [name, options] of kinds) {
  t.test(`greedy output is that of the naive loop: ${name}`, async (t) => {
    const { decoder, model } = open(t, options);
    const random = seededRandom(20);
    const odd = open(t, options, { stepTokens: 7, stepTokensBesideDecode: 3, turnTokens: 5 }).model;
    for (const length of [1, 15, 16, 17, 40]) {
      const prompt = randomTokens(random, length);
      const expected = decoder.greedy(prompt, 12);
      const { ids, end } = await generateAll(model, { prompt, temperature: 0, maxNewTokens: 12 });
      t.strictSame(ids, expected);
      t.strictSame((await generateAll(odd, { prompt, temperature: 0, maxNewTokens: 12 })).ids, expected);
      t.equal(end.finishReason, expected.length < 12 ? 'stop' : 'length');
      t.match(end.usage, { promptTokens: length, completionTokens: expected.length });
    }
  });

  t.test(`mixed requests at once, some cancelled: ${name}`, async (t) => {
    const { decoder, model } = open(t, options, {
      maxSlots: 5,
      stepTokens: 32,
      stepTokensBesideDecode: 16,
      turnTokens: 48,
      kvCacheBytes: 400_000,
      prefixCacheBytes: 60_000,
    });
    const random = seededRandom(21);
    const shared = randomTokens(random, 37);
    const work = Array.from({ length: 20 }, async (_, i) => {
      const prompt = [
        ...(random() < 0.6 ? shared : []),
        ...randomTokens(random, 1 + Math.floor(random() * 50)),
      ];
      const kind = i % 5;
      const newTokens = 1 + Math.floor(random() * 14);
      const continuations = Array.from({ length: 4 }, () =>
        randomTokens(random, 1 + Math.floor(random() * 6)),
      );
      const leaveAfter = Math.floor(random() * 5);
      for (let turns = Math.floor(random() * 30); turns > 0; turns--) await settle();
      if (kind === 0 || kind === 1) {
        const { ids } = await generateAll(model, { prompt, temperature: 0, maxNewTokens: newTokens });
        t.strictSame(ids, decoder.greedy(prompt, newTokens));
      } else if (kind === 2 || kind === 3) {
        sameScores(t, decoder, prompt, await model.score({ prompt, continuations }));
      } else if (i < 10) {
        const ids: number[] = [];
        for await (const event of model.generate({
          prompt,
          temperature: 0,
          maxNewTokens: 100,
          ignoreEos: true,
        })) {
          if (event.type === 'token') ids.push(event.id);
          if (ids.length > leaveAfter) break;
        }
        t.strictSame(ids.slice(0, 1), decoder.greedy(prompt, 1).concat(endOfText).slice(0, 1));
      } else {
        const controller = new AbortController();
        const reason = new Error('gone');
        const pending = generateAll(model, { prompt, maxNewTokens: 100, ignoreEos: true }, controller.signal);
        for (let turns = leaveAfter; turns > 0; turns--) await settle();
        controller.abort(reason);
        await t.rejects(pending, reason);
      }
    });
    await Promise.all(work);
    await settle();
    const { slotsInUse, queued, kvCacheBytes, steps, rows } = model.stats();
    t.match({ slotsInUse, queued }, { slotsInUse: 0, queued: 0 });
    t.ok(kvCacheBytes <= 400_000, `${kvCacheBytes} bytes`);
    t.ok(rows > steps, `${rows} rows in ${steps} steps: sequences were decoded together`);
  });
}

t.test('equal requests give equal outputs, whatever else runs; other seeds give others', async (t) => {
  const { model } = open(t);
  const request = {
    prompt: 'seeded',
    temperature: 1.2,
    topK: 40,
    topP: 0.95,
    maxNewTokens: 16,
    seed: 7,
    ignoreEos: true,
  };
  const alone = await generateAll(model, request);
  const together = await Promise.all([
    ...Array.from({ length: 6 }, (_, seed) =>
      generateAll(model, { ...request, prompt: `other ${seed}`, seed }),
    ),
    generateAll(model, request),
  ]);
  t.strictSame(together.at(-1)!.ids, alone.ids);
  t.equal(together.at(-1)!.end.text, alone.end.text);
  const others = await Promise.all([1, 2, 3].map((seed) => generateAll(model, { ...request, seed })));
  t.equal(new Set(others.map(({ ids }) => ids.join())).size, 3);
});

t.test('pieces put together are the text; half a character is held back', async (t) => {
  const { model } = open(t);
  for (let seed = 0; seed < 12; seed++) {
    const { tokens, ids, end } = await generateAll(model, {
      prompt: '가',
      temperature: 2,
      maxNewTokens: 25,
      seed,
    });
    t.equal(tokens.map(({ text }) => text).join(''), end.text);
    const whole = await tokenizer.decode(ids);
    t.ok(whole.startsWith(end.text));
    t.match(whole.slice(end.text.length), /^\uFFFD*$/);
  }
});

t.test('a stop text ends the output before itself, wherever tokens are cut', async (t) => {
  // tokens 0 to 127 only: text without half characters
  const { model } = open(t, { config: { vocabSize: 128 } });
  let stopped = 0;
  for (let seed = 0; seed < 10; seed++) {
    const request = { prompt: 'stop', temperature: 1, maxNewTokens: 40, seed, ignoreEos: true };
    const free = await generateAll(model, request);
    const stop = free.end.text.slice(5, 8);
    if (free.end.text.indexOf(stop) === 0) continue;
    stopped++;
    const { tokens, end } = await generateAll(model, { ...request, stop: ['never seen', stop] });
    t.match(end, {
      finishReason: 'stop',
      stopText: stop,
      text: free.end.text.slice(0, free.end.text.indexOf(stop)),
    });
    t.equal(tokens.map(({ text }) => text).join(''), end.text);
  }
  t.ok(stopped > 2, `${stopped} outputs were stopped`);
});

t.test('text held back for a stop comes with the last token when none follows', async (t) => {
  const { decoder, model } = open(t);
  const prompt = [1, 2, 3];
  const text = await tokenizer.decode(decoder.greedy(prompt, 1));
  t.equal(text.length, 1);
  const { tokens, end } = await generateAll(model, {
    prompt,
    temperature: 0,
    maxNewTokens: 1,
    stop: [`${text}!`],
  });
  t.match(tokens, [{ text }]);
  t.match(end, { text, finishReason: 'length', stopText: null });
});

t.test('an end-of-sequence token ends the output and is not part of it', async (t) => {
  const prompt = [9, 8, 7];
  const probe = new PlainDecoder();
  const ids = probe.greedy(prompt, 6);
  const eos = ids.find((id, i) => i > 1 && ids.indexOf(id) === i)!;
  const { model } = open(t, { config: { eosTokenIds: [299, eos] } });
  const stopped = await generateAll(model, { prompt, temperature: 0, maxNewTokens: 6 });
  t.strictSame(stopped.ids, ids.slice(0, ids.indexOf(eos)));
  t.match(stopped.end, {
    finishReason: 'stop',
    stopText: null,
    usage: { completionTokens: ids.indexOf(eos) },
  });
  const ignoring = await generateAll(model, { prompt, temperature: 0, maxNewTokens: 6, ignoreEos: true });
  t.strictSame(ignoring.ids, ids);
  const first = open(t, { config: { eosTokenIds: [ids[0]!] } });
  const nothing = await generateAll(first.model, { prompt, temperature: 0 });
  t.match(nothing, { ids: [], end: { text: '', finishReason: 'stop', usage: { completionTokens: 0 } } });
});

t.test('log-probabilities are those of the model, before penalty and temperature', async (t) => {
  const { decoder, model } = open(t);
  const prompt = randomTokens(seededRandom(22), 10);
  const request = {
    prompt,
    temperature: 1.5,
    repetitionPenalty: 1.3,
    topK: 20,
    maxNewTokens: 8,
    seed: 3,
    topLogprobs: 4,
  };
  const { tokens, ids } = await generateAll(model, { ...request, ignoreEos: true });
  const naive = decoder.score(prompt, ids);
  for (const [i, token] of tokens.entries()) {
    t.ok(Math.abs(token.logprob! - naive[i]!) < 1e-4);
    const logits = decoder.lastLogits([...prompt, ...ids.slice(0, i)]);
    const best = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]!).slice(0, 4);
    t.strictSame(
      token.topLogprobs!.map(({ id }) => id),
      best,
    );
    t.equal(token.topLogprobs![0]!.text, await tokenizer.decode([best[0]!], { skipSpecialTokens: false }));
  }
  const only = await generateAll(model, { ...request, topLogprobs: 0, maxNewTokens: 1 });
  t.match(only.tokens[0], { logprob: Number, topLogprobs: [] });
  const none = await generateAll(model, { prompt, maxNewTokens: 1 });
  t.notOk('logprob' in none.tokens[0]!);
});

t.test('a repetition penalty keeps greedy output from repeating', async (t) => {
  const { model } = open(t);
  const { ids } = await generateAll(model, {
    prompt: [70],
    temperature: 0,
    repetitionPenalty: 1e6,
    maxNewTokens: 30,
    ignoreEos: true,
  });
  t.equal(new Set([70, ...ids]).size, 31);
});

t.test('a prompt that was seen is not computed again; concurrent scores share it', async (t) => {
  const { decoder, model } = open(t);
  const random = seededRandom(23);
  const prompt = randomTokens(random, 100);
  const first = await generateAll(model, { prompt, temperature: 0, maxNewTokens: 8 });
  const again = await generateAll(model, { prompt, temperature: 0, maxNewTokens: 8 });
  t.equal(first.end.usage.cachedTokens, 0);
  t.equal(again.end.usage.cachedTokens, 96);
  t.strictSame(again.ids, first.ids);
  t.match(model.stats(), { promptTokens: 200, cachedTokens: 96, completionTokens: first.ids.length * 2 });

  const passages = randomTokens(random, 128);
  const before = decoder.tokens;
  const statements = Array.from({ length: 5 }, () => [...passages, ...randomTokens(random, 5)]);
  const scores = await Promise.all(
    statements.map((one) => model.score({ prompt: one, continuations: [[65], [66]] })),
  );
  t.equal(decoder.tokens - before, 133 + 4 * 5, 'the passages once, each statement by itself');
  for (const [i, one] of statements.entries()) sameScores(t, decoder, one, scores[i]!);
});

t.test('who scores hears what it cost', async (t) => {
  const { model } = open(t);
  const prompt = randomTokens(seededRandom(29), 40);
  const heard: unknown[] = [];
  const request = { prompt, continuations: [[1, 2], [3]], onUsage: (usage: unknown) => heard.push(usage) };
  await model.score(request);
  await model.score(request);
  t.strictSame(heard, [
    { promptTokens: 40, cachedTokens: 0, completionTokens: 3 },
    { promptTokens: 40, cachedTokens: 32, completionTokens: 3 },
  ]);
});

t.test('a conversation goes on from what it said before', async (t) => {
  const { model } = open(t);
  const prompt = randomTokens(seededRandom(24), 20);
  const { ids } = await generateAll(model, { prompt, temperature: 0, maxNewTokens: 30, ignoreEos: true });
  const next = await generateAll(model, {
    prompt: [...prompt, ...ids, 10, 11],
    temperature: 0,
    maxNewTokens: 1,
  });
  t.equal(next.end.usage.cachedTokens, 48);
});

t.test('without a prefix cache the results are the same', async (t) => {
  const { decoder, model } = open(t, {}, { prefixCacheBytes: 0 });
  const prompt = randomTokens(seededRandom(25), 40);
  for (let i = 0; i < 2; i++) {
    const { ids, end } = await generateAll(model, { prompt, temperature: 0, maxNewTokens: 5 });
    t.strictSame(ids, decoder.greedy(prompt, 5));
    t.equal(end.usage.cachedTokens, 0);
  }
});

t.test('prompts are computed in chunks between steps of others, shorter ones then', async (t) => {
  const { decoder, model } = open(t, {}, { stepTokens: 64, stepTokensBesideDecode: 32 });
  const steps: string[] = [];
  decoder.beforeStep = ({ rows }) => {
    steps.push(rows.map(({ tokens }) => tokens.length).join('+'));
  };
  const running = generateAll(model, { prompt: [1], temperature: 0, maxNewTokens: 6, ignoreEos: true });
  const long = model.score({
    prompt: randomTokens(seededRandom(26), 100),
    continuations: [
      [1, 2, 3],
      [4, 5],
    ],
  });
  await Promise.all([running, long]);
  t.strictSame(steps, ['1', '1', '32', '1', '32', '1', '32', '1', '4', '1', '3']);
});

t.test('a turn of the event loop passes between steps', async (t) => {
  const { decoder, model } = open(t);
  let turns = 0;
  let counting = true;
  const count = () => {
    turns++;
    if (counting) setImmediate(count);
  };
  count();
  await generateAll(model, { prompt: [1], maxNewTokens: 20, ignoreEos: true });
  counting = false;
  t.ok(turns >= decoder.steps, `${turns} turns in ${decoder.steps} steps`);
});

t.test('a step that throws fails its requests, and the engine goes on with the rest', async (t) => {
  const { decoder, model } = open(t);
  const poison = 123;
  decoder.beforeStep = ({ rows }) => {
    if (rows.some(({ tokens }) => tokens.includes(poison))) throw new Error('the runtime failed');
  };
  const prompt = randomTokens(seededRandom(27), 30, 100);
  const results = await Promise.allSettled([
    generateAll(model, { prompt: [...prompt, poison], maxNewTokens: 5 }),
    generateAll(model, { prompt, temperature: 0, maxNewTokens: 5 }),
    model.score({ prompt, continuations: [[1, poison, 2]] }),
    model.score({ prompt, continuations: [[1, 2], [3]] }),
  ]);
  t.strictSame(
    results.map(({ status }) => status),
    ['rejected', 'fulfilled', 'rejected', 'fulfilled'],
  );
  t.match(results[0], { reason: { message: 'the runtime failed' } });

  let decodes = 0;
  decoder.beforeStep = ({ rows }) => {
    if (rows.length > 1 && ++decodes === 3) throw new Error('the batch failed');
  };
  const batch = await Promise.allSettled(
    [1, 2, 3].map((id) => generateAll(model, { prompt: [id], ignoreEos: true })),
  );
  t.ok(batch.some(({ status }) => status === 'rejected'));
  decoder.beforeStep = () => {};
  const { ids } = await generateAll(model, { prompt, temperature: 0, maxNewTokens: 5 });
  t.strictSame(ids, decoder.greedy(prompt, 5));
  t.equal(model.stats().slotsInUse, 0);
});

t.test('logits that are no numbers fail their own request only', async (t) => {
  const { decoder, model } = open(t);
  const step = decoder.step.bind(decoder);
  decoder.step = async (given) => {
    const result = await step(given);
    if (given.rows.length === 3) result.logits.fill(Number.NaN, 300, 600);
    return result;
  };
  const results = await Promise.allSettled(
    [1, 2, 3].map((id) =>
      generateAll(model, { prompt: [id], temperature: 0, maxNewTokens: 8, ignoreEos: true }),
    ),
  );
  t.strictSame(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  t.match(results[1], { reason: { code: 'MODEL_INVALID' } });
  t.match(results[2], { value: { ids: decoder.greedy([3], 8) } });
});

t.test('memory that runs out fails the request that needs it', async (t) => {
  const { decoder, model } = open(t, {}, { prefixCacheBytes: 0 });
  const createCache = decoder.createCache.bind(decoder);
  decoder.createCache = (slots, capacity) => {
    if (capacity > 128) throw new RangeError('Array buffer allocation failed');
    return createCache(slots, capacity);
  };
  const results = await Promise.allSettled([
    generateAll(model, { prompt: [1], maxNewTokens: 400 }),
    generateAll(model, { prompt: [1], maxNewTokens: 4 }),
  ]);
  t.strictSame(
    results.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
});

t.test('leaving the loop early stops the work and frees the slot', async (t) => {
  const { decoder, model } = open(t);
  let seen = 0;
  for await (const event of model.generate({ prompt: [1], maxNewTokens: 300, ignoreEos: true })) {
    if (event.type === 'token' && ++seen === 3) break;
  }
  await settle();
  await settle();
  const { steps } = decoder;
  t.ok(steps < 10, `${steps} steps`);
  t.equal(model.stats().slotsInUse, 0);
});

t.test('who is cancelled while waiting is told why, and is never worked on', async (t) => {
  const { decoder, model } = open(t, {}, { maxSlots: 1 });
  const running = generateAll(model, { prompt: [1], temperature: 0, maxNewTokens: 10, ignoreEos: true });
  const controller = new AbortController();
  const waiting = model.score({ prompt: [2, 3, 4], continuations: [[1]] }, controller.signal);
  decoder.beforeStep = ({ rows }) => {
    if (rows[0]!.tokens.length === 3) t.fail('worked on the cancelled one');
  };
  await settle();
  t.equal(model.stats().queued, 1);
  controller.abort(new Error('changed my mind'));
  await t.rejects(waiting, { message: 'changed my mind' });
  await t.rejects(model.score({ prompt: [1], continuations: [[1]] }, controller.signal), {
    message: 'changed my mind',
  });
  t.equal((await running).ids.length, 10);
});

t.test('a full queue is ENGINE_BUSY, for those who come too late only', async (t) => {
  const burst = async (limits: Partial<EngineLimits>) => {
    const { model } = open(t, {}, limits);
    const requests = Array.from({ length: 6 }, (_, i) =>
      model.score({ prompt: [i + 1], continuations: [[1]] }),
    );
    return Promise.allSettled(requests);
  };
  const results = await burst({ maxSlots: 1, maxQueue: 2 });
  const [done, busy] = ['fulfilled', 'rejected'];
  t.strictSame(
    results.map(({ status }) => status),
    [done, done, done, busy, busy, busy],
  );
  t.match(results[5], { reason: { code: 'ENGINE_BUSY' } });
  const unqueued = await burst({ maxSlots: 4, maxQueue: 0 });
  t.strictSame(
    unqueued.map(({ status }) => status),
    [done, done, done, done, busy, busy],
  );
});

t.test('closing rejects who waits and who runs, then closes the decoder', async (t) => {
  const { decoder, model } = open(t, {}, { maxSlots: 1 });
  const all = Promise.allSettled([
    generateAll(model, { prompt: [1], maxNewTokens: 300, ignoreEos: true }),
    generateAll(model, { prompt: [2], maxNewTokens: 300, ignoreEos: true }),
    model.score({ prompt: [3], continuations: [[1]] }),
  ]);
  await settle();
  await settle();
  t.ok(decoder.steps > 0);
  await model.close();
  t.ok(decoder.closed);
  for (const result of await all)
    t.match(result, { status: 'rejected', reason: { code: 'ENGINE_UNAVAILABLE' } });
  await t.rejects(model.score({ prompt: [1], continuations: [[1]] }), { code: 'ENGINE_UNAVAILABLE' });
  await t.rejects(generateAll(model, { prompt: [1] }), { code: 'ENGINE_UNAVAILABLE' });
  await model.close();
});

t.test('what cannot be done is refused with its numbers', async (t) => {
  const { decoder, model } = open(t, {}, { contextLength: 100 });
  t.equal(model.contextLength, 100);
  const invalid = async (request: object, name: string | RegExp) => {
    await t.rejects(generateAll(model, { prompt: [1], ...request }), {
      code: 'LM_REQUEST_INVALID',
      message: name,
    });
  };
  await invalid({ prompt: '' }, /prompt is empty/);
  await invalid({ prompt: [] }, /prompt is empty/);
  await invalid({ prompt: [1, 300] }, /token 300; the model has tokens 0 to 299/);
  await invalid({ prompt: [-1] }, /token -1/);
  await invalid({ prompt: [1.5] }, /token 1.5/);
  for (const maxNewTokens of [0, 1.5, -1, Number.NaN]) await invalid({ maxNewTokens }, /maxNewTokens/);
  for (const temperature of [-0.1, Number.NaN, Number.POSITIVE_INFINITY])
    await invalid({ temperature }, /temperature/);
  for (const topP of [0, 1.01, -1]) await invalid({ topP }, /topP/);
  await invalid({ topK: -1 }, /topK/);
  await invalid({ repetitionPenalty: 0 }, /repetitionPenalty/);
  await invalid({ seed: 0.5 }, /seed/);
  await invalid({ topLogprobs: 21 }, /topLogprobs/);
  await invalid({ stop: [''] }, /stop/);
  await invalid({ stop: 'text' }, /stop/);
  const tooLong = {
    code: 'LM_CONTEXT_EXCEEDED',
    data: { promptTokens: 90, outputTokens: 11, contextLength: 100 },
  };
  const prompt = new Array<number>(90).fill(1);
  await t.rejects(generateAll(model, { prompt, maxNewTokens: 11 }), tooLong);
  await t.rejects(model.score({ prompt, continuations: [[1], new Array<number>(11).fill(2)] }), tooLong);
  const refused = (
    request: { prompt: string | number[]; continuations: (string | number[])[] },
    message: RegExp,
  ) => t.rejects(model.score(request), { code: 'LM_REQUEST_INVALID', message });
  await refused({ prompt: '', continuations: ['a'] }, /prompt is empty/);
  await refused({ prompt: 'a', continuations: [] }, /continuations/);
  await refused({ prompt: 'a', continuations: ['a', ''] }, /Continuation 2 is empty/);
  await refused({ prompt: 'a', continuations: [[400]] }, /Continuation 1 holds the token 400/);
  t.equal(decoder.steps, 0, 'nothing of this reached the decoder');
  const just = await generateAll(model, { prompt, maxNewTokens: 10, temperature: 0, ignoreEos: true });
  t.equal(just.ids.length, 10, 'what just fits is done');
  const scored = await model.score({ prompt, continuations: [new Array<number>(10).fill(2)] });
  sameScores(t, decoder, prompt, scored);
});

t.test('limits that leave no room are refused; memory bounds the context', async (t) => {
  const decoder = new PlainDecoder();
  const limits = { kvCacheBytes: 100 };
  t.throws(() => createLanguageModel({ decoder, tokenizer, limits }), { code: 'CONFIG_INVALID' });
  const small = createLanguageModel({ decoder, tokenizer, limits: { maxTokens: 64 } });
  t.equal(small.contextLength, 64);
  await small.close();
});

t.test('memory is given back after a while without requests', async (t) => {
  const clock = new FakeClock();
  const model = createLanguageModel({
    decoder: new PlainDecoder(),
    tokenizer,
    clock,
    limits: { idleMs: 5000 },
  });
  await Promise.all([1, 2, 3].map((id) => generateAll(model, { prompt: [id], maxNewTokens: 4 })));
  await settle();
  t.match(model.stats(), { slots: 3, slotsInUse: 0 });
  await clock.advance(4999);
  t.equal(model.stats().slots, 3);
  await clock.advance(1);
  t.match(model.stats(), { slots: 0, kvCacheBytes: 0 });
  await generateAll(model, { prompt: [1], maxNewTokens: 4 });
  t.equal(model.stats().slots, 1);
  await model.close();
  t.strictSame(clock.waiting(), []);
});

t.test('1,000 requests in a row leave no more behind than 100', async (t) => {
  const config = {
    nLayer: 1,
    hiddenSize: 4,
    nHead: 1,
    nKvHead: 1,
    intermediateSize: 4,
    slidingWindow: [null],
  };
  const { model } = open(t, { config }, { prefixCacheBytes: 40_000 });
  const random = seededRandom(28);
  let bytes = 0;
  for (let i = 0; i < 1000; i++) {
    const prompt = randomTokens(random, 1 + Math.floor(random() * 40));
    if (i % 2) await generateAll(model, { prompt, maxNewTokens: 2, seed: i });
    else await model.score({ prompt, continuations: [[1, 2], [3]] });
    if (i === 99) bytes = model.stats().kvCacheBytes;
  }
  t.match(model.stats(), { slotsInUse: 0, queued: 0, slots: 1 });
  t.ok(
    model.stats().kvCacheBytes <= bytes,
    `${model.stats().kvCacheBytes} bytes, ${bytes} after 100 requests`,
  );
});
