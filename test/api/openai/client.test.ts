/** The official `openai` package, unchanged, against a listening server. */
import { once } from 'node:events';
import OpenAI from 'openai';
import t, { type Test } from 'tap';
import { buildApp } from '../../../api/app.js';
import { readConfig } from '../../../api/config.js';
import type { ChatRequest } from '../../../shared/bundle/runtime.js';
import { HaetaeError } from '../../../shared/errors.js';
import { fakeInfo, fakeRuntime, fakeTokens } from '../../fixtures/fake-results.js';
import { StubEngine } from '../../fixtures/stub-engine.js';

async function start(t: Test, env: Record<string, string> = {}) {
  const engine = new StubEngine();
  const app = await buildApp({ config: readConfig(env), engine });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  t.teardown(async () => {
    const closed = app.close();
    app.server.closeAllConnections(); // fetch opens one ahead of need after an abort
    await closed;
  });
  const client = new OpenAI({ apiKey: 'any', baseURL: `${url}/v1`, maxRetries: 0 });
  return { engine, client };
}

const ask = (content: string) => ({
  model: 'haetae',
  messages: [{ role: 'user' as const, content }],
});

t.test('a completion is whole', async (t) => {
  const { engine, client } = await start(t);
  let asked: ChatRequest | undefined;
  const { onChat } = engine;
  engine.onChat = (request, signal) => {
    asked = request;
    return onChat(request, signal);
  };
  const completion = await client.chat.completions.create({
    model: 'fake-1',
    messages: [
      { role: 'developer', content: '짧게' },
      {
        role: 'user',
        content: [
          { type: 'text', text: '접근' },
          { type: 'text', text: '매체 란' },
        ],
      },
    ],
    max_completion_tokens: 7,
    temperature: 0,
    top_p: 0.5,
    seed: 3,
    stop: '끝',
  });
  t.strictSame(asked, {
    messages: [
      { role: 'system', content: '짧게' },
      { role: 'user', content: '접근매체 란' },
    ],
    stop: ['끝'],
    maxNewTokens: 7,
    temperature: 0,
    topP: 0.5,
    seed: 3,
  });
  t.match(completion, {
    id: /^chatcmpl-/,
    object: 'chat.completion',
    model: 'fake-1',
    system_fingerprint: 'fake-1',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: '접근매체 란', refusal: null },
        finish_reason: 'stop',
        logprobs: null,
      },
    ],
    usage: {
      prompt_tokens: 7,
      completion_tokens: 2,
      total_tokens: 9,
      prompt_tokens_details: { cached_tokens: 3 },
    },
  });
  t.ok(Math.abs(completion.created - Date.now() / 1_000) < 60);
  t.equal(completion._request_id, completion.id.replace('chatcmpl-', ''));
});

t.test('a completion is streamed, and the pieces add up', async (t) => {
  const { client } = await start(t);
  const stream = await client.chat.completions.create({
    ...ask('하나 둘 셋'),
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  t.match(chunks[0]?.choices[0]?.delta, { role: 'assistant', content: '' });
  t.equal(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''), '하나 둘 셋');
  t.strictSame(
    chunks.map(({ choices }) => choices[0]?.finish_reason),
    [null, null, null, null, 'stop', undefined],
  );
  t.equal(new Set(chunks.map(({ id }) => id)).size, 1);
  t.match(chunks.at(-1), { choices: [], usage: { total_tokens: 10 } });
  t.ok(chunks.slice(0, -1).every(({ usage }) => usage === null));

  const helper = client.chat.completions.stream(ask('하나 둘'));
  t.match(await helper.finalChatCompletion(), {
    choices: [{ message: { content: '하나 둘' }, finish_reason: 'stop' }],
  });
});

t.test('log-probabilities come with each token, whole or streamed', async (t) => {
  const { client } = await start(t);
  const wanted = { ...ask('하나 둘'), logprobs: true, top_logprobs: 2 };
  const whole = await client.chat.completions.create(wanted);
  const content = whole.choices[0]?.logprobs?.content;
  t.match(content, [
    {
      token: '하나',
      logprob: -0.5,
      bytes: [...Buffer.from('하나')],
      top_logprobs: [{ token: '하나' }, { token: '다른', logprob: -2 }],
    },
    { token: ' 둘' },
  ]);
  const streamed = [];
  for await (const { choices } of await client.chat.completions.create({ ...wanted, stream: true }))
    streamed.push(...(choices[0]?.logprobs?.content ?? []));
  t.strictSame(streamed, content);
  const alone = await client.chat.completions.create({ ...ask('하나'), logprobs: true });
  t.match(alone.choices[0]?.logprobs?.content, [{ logprob: -0.5, top_logprobs: [] }]);
});

t.test('a token that is part of a character has no bytes, and its text is not sent alone', async (t) => {
  const { engine, client } = await start(t);
  engine.onChat = async function* () {
    const half = { id: 1, text: '\ufffd', logprob: -1 };
    yield { type: 'token', id: 1, text: '', logprob: -1, topLogprobs: [half] };
    yield { type: 'token', id: 2, text: '가', logprob: -1, topLogprobs: [] };
    yield* fakeTokens(['가']).slice(-1);
  };
  const texts = [];
  for await (const { choices } of await client.chat.completions.create({ ...ask('x'), stream: true }))
    if (choices[0]?.delta.content !== undefined) texts.push(choices[0].delta.content);
  t.strictSame(texts, ['', '가']);
  const { choices } = await client.chat.completions.create({ ...ask('x'), logprobs: true, top_logprobs: 1 });
  t.match(choices[0]?.logprobs?.content, [{ token: '\ufffd', bytes: null }, { token: '가' }]);
});

t.test('a client who aborts a stream cancels the work', async (t) => {
  const { engine, client } = await start(t);
  let cancelled: AbortSignal | undefined;
  engine.onChat = async function* (_, signal) {
    cancelled = signal;
    yield { type: 'token', id: 1, text: '하나' };
    await once(signal!, 'abort');
    throw signal?.reason;
  };
  const stream = await client.chat.completions.create({ ...ask('x'), stream: true });
  for await (const { choices } of stream) if (choices[0]?.delta.content === '하나') break;
  if (!cancelled?.aborted) await once(cancelled!, 'abort');
  t.equal(cancelled?.reason.code, 'CANCELLED');
});

t.test('embeddings of one request come from one bundle, even while it changes', async (t) => {
  const { engine, client } = await start(t);
  let calls = 0;
  engine.onEmbed = async (texts) => {
    const bundleId = ++calls === 1 ? 'fake-1' : 'fake-2';
    const value = bundleId === 'fake-1' ? 1 : 2;
    return {
      vectors: Float32Array.from(texts.map(() => value)),
      dimension: 1,
      tokens: texts.length,
      bundleId,
    };
  };
  const input = Array.from({ length: 70 }, (_, i) => `text ${i}`);
  const { data, model, usage } = await client.embeddings.create({
    model: 'haetae',
    input,
    encoding_format: 'float',
  });
  t.equal(model, 'fake-2');
  t.equal(usage.prompt_tokens, 70);
  t.strictSame(
    data.map(({ index, embedding }) => [index, ...embedding]),
    input.map((_, i) => [i, 2]),
  );
  t.equal(calls, 4, 'one that was for nothing, and all of them anew');
});

t.test('a chat names the bundle that made it, not the one that served when it was asked for', async (t) => {
  const { engine, client } = await start(t);
  engine.onChat = async function* (request, signal, onStart) {
    onStart?.(fakeInfo('fake-2'));
    yield* fakeRuntime().chat(request, signal);
  };
  t.equal((await client.chat.completions.create(ask('x'))).model, 'fake-2');
  for await (const { model } of await client.chat.completions.create({ ...ask('x'), stream: true }))
    t.equal(model, 'fake-2');
});

t.test('embeddings come in base64, which the client asks for by itself, or as numbers', async (t) => {
  const { engine, client } = await start(t);
  engine.onEmbed = async (texts) => ({
    vectors: Float32Array.from(texts.flatMap(() => [0.1, -0.2])),
    dimension: 2,
    tokens: 3 * texts.length,
    bundleId: 'fake-1',
  });
  const expected = [...Float32Array.of(0.1, -0.2)];
  const two = await client.embeddings.create({ model: 'haetae', input: ['하나', '둘'] });
  t.match(two, { object: 'list', model: 'fake-1', usage: { prompt_tokens: 6, total_tokens: 6 } });
  t.strictSame(
    two.data.map(({ index, embedding }) => ({ index, embedding: [...embedding] })),
    [0, 1].map((index) => ({ index, embedding: expected })),
  );
  const one = await client.embeddings.create({
    model: 'fake-1',
    input: '하나',
    encoding_format: 'float',
    dimensions: 2,
  });
  t.strictSame(one.data[0]?.embedding, expected);
  const many = await client.embeddings.create({
    model: 'haetae',
    input: Array.from({ length: 2048 }, (_, i) => `${i}`),
  });
  t.equal(many.data.length, 2048);
  t.equal(many.data[2047]?.index, 2047);
  t.equal(engine.calls.at(-1), 'embed 64', 'the engine gets a slice at a time');
});

t.test('models are listed and described', async (t) => {
  const { engine, client } = await start(t);
  const names = [];
  for await (const { id } of client.models.list()) names.push(id);
  t.strictSame(names, ['fake-1', 'haetae']);
  t.match(await client.models.retrieve('haetae'), { id: 'haetae', object: 'model', created: 1735689600 });
  engine.bundleId = undefined;
  for await (const { id } of client.models.list()) t.fail(id);
  await t.rejects(client.models.retrieve('haetae'), { status: 503, code: 'ENGINE_UNAVAILABLE' });
});

t.test('errors are of the classes that the client has for them', async (t) => {
  const { engine, client } = await start(t);
  const raised = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error) => error,
    );
  const unknown = await raised(client.chat.completions.create({ ...ask('x'), model: 'gpt-4o' }));
  t.ok(unknown instanceof OpenAI.NotFoundError);
  t.match(unknown, { code: 'model_not_found', param: 'model', requestID: /./ });
  t.ok((await raised(client.models.retrieve('nope'))) instanceof OpenAI.NotFoundError);

  const wrong = await raised(client.chat.completions.create({ ...ask('x'), temperature: 3 }));
  t.ok(wrong instanceof OpenAI.BadRequestError);
  t.match(wrong, { param: 'temperature', code: 'invalid_value', type: 'invalid_request_error' });
  const dimensions = await raised(client.embeddings.create({ model: 'haetae', input: 'x', dimensions: 256 }));
  t.match(dimensions, { status: 400, param: 'dimensions', message: /has 2/ });
  const tokens = await raised(client.embeddings.create({ model: 'haetae', input: [[1, 2]] }));
  t.match(tokens, { status: 400, param: 'input', message: /token ids/ });

  engine.onChat = () => fail(new HaetaeError('LM_CONTEXT_EXCEEDED', '3000 tokens do not fit 2048'));
  for (const stream of [true, false]) {
    const long = await raised(client.chat.completions.create({ ...ask('x'), stream }));
    t.ok(long instanceof OpenAI.BadRequestError, 'a stream too, as it has not begun');
    t.match(long, { code: 'context_length_exceeded', message: /3000 tokens/ });
  }
  engine.onChat = () => fail(new HaetaeError('ENGINE_CRASHED', 'a secret path'));
  const crashed = await raised(client.chat.completions.create(ask('x')));
  t.ok(crashed instanceof OpenAI.InternalServerError);
  t.match(crashed, { status: 503, code: 'ENGINE_CRASHED', type: 'server_error' });
  t.notMatch((crashed as Error).message, /secret/);

  engine.onChat = async function* () {
    yield { type: 'token', id: 1, text: '하나' };
    yield* fail(new HaetaeError('ENGINE_CRASHED', 'a secret path'));
  };
  const texts: unknown[] = [];
  const broken = await raised(
    (async () => {
      for await (const { choices } of await client.chat.completions.create({ ...ask('x'), stream: true }))
        texts.push(choices[0]?.delta.content);
    })(),
  );
  t.ok(broken instanceof OpenAI.APIError);
  t.match(broken, { code: 'ENGINE_CRASHED' });
  t.strictSame(texts, ['', '하나']);

  engine.student = null;
  const none = await raised(client.chat.completions.create(ask('x')));
  t.match(none, { status: 503, code: 'MODEL_NOT_LOADED' });
  t.equal((none as InstanceType<typeof OpenAI.APIError>).headers?.get('x-should-retry'), 'false');
  t.ok(await client.embeddings.create({ model: 'haetae', input: 'x' }), 'embeddings need no student');
});

t.test('a stream without an end is an error, not a short text', async (t) => {
  const { engine, client } = await start(t);
  engine.onChat = async function* () {
    yield { type: 'token', id: 1, text: '하나' };
  };
  await t.rejects(client.chat.completions.create(ask('x')), { status: 500, code: 'INTERNAL' });
  const read = async () => {
    for await (const _ of await client.chat.completions.create({ ...ask('x'), stream: true }));
  };
  await t.rejects(read(), { code: 'INTERNAL' });
});

t.test('what takes longer than it may is ended, before the first token or after it', async (t) => {
  const { engine, client } = await start(t, { HAETAE_CHAT_DEADLINE_MS: '50' });
  engine.onChat = async function* ({ messages }, signal) {
    if (messages[0]?.content === 'begin') yield { type: 'token', id: 1, text: '하나' };
    await once(signal!, 'abort');
    throw signal?.reason;
  };
  for (const stream of [false, true]) {
    const late = client.chat.completions.create({ ...ask('x'), stream });
    await t.rejects(late, { status: 504, code: 'ENGINE_TIMEOUT' });
  }
  const texts: unknown[] = [];
  const read = async () => {
    for await (const { choices } of await client.chat.completions.create({ ...ask('begin'), stream: true }))
      texts.push(choices[0]?.delta.content);
  };
  await t.rejects(read(), { code: 'ENGINE_TIMEOUT' });
  t.strictSame(texts, ['', '하나']);
  engine.onEmbed = (_, signal) =>
    new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  await t.rejects(client.embeddings.create({ model: 'haetae', input: 'x' }), {
    status: 504,
    code: 'ENGINE_TIMEOUT',
  });
});

async function* fail(error: Error): AsyncGenerator<never> {
  yield await Promise.reject(error);
}
