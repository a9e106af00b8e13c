import { createConnection, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { buildApp, type AppOptions } from '../../api/app.js';
import { readConfig } from '../../api/config.js';
import { replyToBrokenHttp } from '../../api/plugins/error-replies.js';
import { HaetaeError, errorTable } from '../../shared/errors.js';
import { fakeAnswer, fakeRetrieval } from '../fixtures/fake-results.js';
import { StubEngine } from '../fixtures/stub-engine.js';

async function start(t: Test, options: Partial<AppOptions> & { env?: Record<string, string> } = {}) {
  const engine = new StubEngine();
  const { env = {}, ...rest } = options;
  const app = await buildApp({ config: readConfig(env), engine, ...rest });
  t.teardown(() => app.close());
  const post = (url: string, payload: unknown, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url, payload: payload as object, headers });
  return { app, engine, post };
}

t.test('a question is classified without an engine', async (t) => {
  const { post, engine } = await start(t);
  engine.state = 'down';
  const reply = await post('/classify', { question: '다음 중 옳지 않은 것은?\n① 가\n② 나\n③ 다' });
  t.equal(reply.statusCode, 200);
  t.match(reply.json(), {
    questionType: 'multiple-choice',
    negated: true,
    choices: [{ number: 1, text: '가' }, {}, {}],
  });
});

t.test('an answer comes from the engine, then from the cache, and says so', async (t) => {
  const { post, engine } = await start(t);
  const first = await post('/answer', { question: '왜?' });
  t.equal(first.statusCode, 200);
  t.match(first.json(), { answer: 'echo: 왜?', usedFallback: false, bundleId: 'fake-1' });
  t.equal(first.headers['x-haetae-cache'], 'miss');
  const second = await post('/answer', { question: ' 왜? ' });
  t.equal(second.headers['x-haetae-cache'], 'hit');
  t.strictSame(second.json(), first.json());
  t.equal(
    (await post('/answer', { question: '왜?', options: { retrieval: { topK: 3 } } })).headers[
      'x-haetae-cache'
    ],
    'miss',
  );
  engine.bundleId = 'fake-2';
  t.equal((await post('/answer', { question: '왜?' })).json().bundleId, 'fake-2');
});

t.test('what was computed on a bundle is forgotten when another content serves under its id', async (t) => {
  const { post, engine } = await start(t);
  let text = 'old';
  let finish = (): void => undefined;
  engine.onAnswer = async (question) => {
    const said = text;
    if (question === 'slow') await new Promise<void>((resolve) => (finish = resolve));
    return { ...fakeAnswer(question), answer: said };
  };
  engine.onRetrieve = async () => fakeRetrieval(text);
  const ask = async (question: string) => (await post('/answer', { question })).json().answer;
  const find = async () => (await post('/retrieve', { query: '왜?' })).json().passages[0].chunk.content;
  t.strictSame([await ask('왜?'), await find()], ['old', 'old']);
  const before = ask('slow');
  while (!engine.calls.includes('answer slow')) await new Promise((resolve) => setImmediate(resolve));
  text = 'new';
  engine.serve('fake-1');
  finish();
  t.equal(await before, 'old', 'whoever asked before has what was computed');
  t.strictSame([await ask('왜?'), await find()], ['new', 'new']);
  const after = ask('slow');
  while (engine.calls.filter((call) => call === 'answer slow').length < 2)
    await new Promise((resolve) => setImmediate(resolve));
  finish();
  t.equal(await after, 'new', 'and nobody after');
});

t.test('a retrieval carries every field of its passages', async (t) => {
  const { post } = await start(t);
  const reply = await post('/retrieve', { query: '안전성', topK: 5, weights: { bm25: 0.5, faiss: 0.5 } });
  t.equal(reply.statusCode, 200);
  t.match(reply.json(), {
    passages: [{ rank: 1, chunk: { chunkId: 'law#1', kind: 'article' }, scores: { bm25: 1, faiss: null } }],
    degraded: false,
  });
});

t.test('retrieval options reach the engine as they were sent', async (t) => {
  const { post, engine } = await start(t);
  let seen: unknown;
  const { onRetrieve } = engine;
  engine.onRetrieve = (query, options, signal) => {
    seen = options;
    return onRetrieve(query, options, signal);
  };
  await post('/retrieve', { query: 'x', fusion: 'rrf', searchParams: 'nprobe=4' });
  t.strictSame({ ...(seen as object) }, { fusion: 'rrf', searchParams: 'nprobe=4' });
});

t.test('when the engine fails the fallback answers, and that is not cached', async (t) => {
  const { post, engine } = await start(t);
  engine.onAnswer = () => Promise.reject(new HaetaeError('ENGINE_CRASHED', 'a secret path'));
  const question = '옳은 것은?\n1 가\n2 나';
  const reply = await post('/answer', { question });
  t.equal(reply.statusCode, 200);
  t.match(reply.json(), { usedFallback: true, errorMessage: /^ENGINE_CRASHED/, answer: /^[12]$/ });
  t.notMatch(reply.body, /secret/);
  engine.onAnswer = new StubEngine().onAnswer;
  t.match((await post('/answer', { question })).json(), { usedFallback: false });
});

t.test('a busy engine is a 503 that says when to come back, not a guess', async (t) => {
  const { post, engine } = await start(t);
  engine.onAnswer = () => Promise.reject(new HaetaeError('ENGINE_BUSY', 'full'));
  const reply = await post('/answer', { question: 'x' });
  t.equal(reply.statusCode, 503);
  t.match(reply.json(), { code: 'ENGINE_BUSY' });
  t.ok(reply.headers['retry-after']);
});

t.test('a deadline is kept even by an engine that never answers', async (t) => {
  const { post, engine } = await start(t);
  engine.onAnswer = () => new Promise(() => undefined);
  const reply = await post('/answer', { question: 'x', options: { deadlineMs: 20 } });
  t.match(reply.json(), { usedFallback: true, errorMessage: /^ENGINE_TIMEOUT/ });
});

t.test('what does not fit is a problem that names what, where and which request', async (t) => {
  const { app, post, engine } = await start(t);
  engine.onRetrieve = () => Promise.reject(new HaetaeError('RETRIEVAL_PARAMETER', 'nprobe is 0'));
  const json = { 'content-type': 'application/json' };
  const bytes = (...values: number[]) => Buffer.from(values);
  const table: [string, string, unknown, Record<string, string>, number, string, RegExp][] = [
    ['a number', '/answer', { question: 1 }, {}, 400, 'REQUEST_INVALID', /\/question must be string/],
    ['nothing', '/answer', {}, {}, 400, 'REQUEST_INVALID', /\/question is missing/],
    ['no body', '/answer', undefined, {}, 400, 'REQUEST_INVALID', /body must be object/],
    ['an array', '/answer', [], {}, 400, 'REQUEST_INVALID', /body must be object/],
    ['null', '/answer', 'null', json, 400, 'REQUEST_INVALID', /body must be object/],
    [
      'an unknown field',
      '/answer',
      { question: 'x', topk: 3 },
      {},
      400,
      'REQUEST_INVALID',
      /\/topk is not known/,
    ],
    [
      'a bad option',
      '/answer',
      { question: 'x', options: { retrieval: { topK: 0 } } },
      {},
      400,
      'REQUEST_INVALID',
      /\/options\/retrieval\/topK/,
    ],
    [
      'a string for a number',
      '/retrieve',
      { query: 'x', topK: '5' },
      {},
      400,
      'REQUEST_INVALID',
      /\/topK must be integer/,
    ],
    ['an empty question', '/classify', { question: ' \n' }, {}, 400, 'QUESTION_EMPTY', /no text/],
    ['a NUL', '/classify', { question: 'a\u0000' }, {}, 400, 'REQUEST_INVALID', /NUL/],
    ['half a pair', '/classify', '{"question":"\\ud83d"}', json, 400, 'REQUEST_INVALID', /surrogate/],
    ['a long question', '/answer', { question: 'x'.repeat(20_001) }, {}, 413, 'QUESTION_TOO_LONG', /20001/],
    ['a huge body', '/answer', { question: 'x'.repeat(300_000) }, {}, 413, 'REQUEST_TOO_LARGE', /too large/],
    ['broken JSON', '/answer', '{"question":', json, 400, 'REQUEST_INVALID', /not valid JSON/],
    ['empty JSON', '/answer', '', json, 400, 'REQUEST_INVALID', /JSON/],
    ['deep nesting', '/answer', '['.repeat(100_000), json, 400, 'REQUEST_INVALID', /JSON/],
    [
      'deep nesting, closed',
      '/answer',
      '['.repeat(50_000) + ']'.repeat(50_000),
      json,
      400,
      'REQUEST_INVALID',
      /object/,
    ],
    [
      'a prototype',
      '/answer',
      '{"question":"x","__proto__":{"a":1}}',
      json,
      400,
      'REQUEST_INVALID',
      /__proto__/,
    ],
    ['bad UTF-8', '/answer', bytes(0x7b, 0xff, 0x7d), json, 400, 'REQUEST_INVALID', /UTF-8/],
    [
      'another type',
      '/answer',
      'x',
      { 'content-type': 'text/csv' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      /text\/csv|Media Type/,
    ],
    [
      'a bad parameter',
      '/retrieve',
      { query: 'x', searchParams: 'nprobe=0' },
      {},
      400,
      'RETRIEVAL_PARAMETER',
      /nprobe is 0/,
    ],
  ];
  for (const [name, url, payload, headers, status, code, detail] of table) {
    const reply = await post(url, payload, headers);
    t.equal(reply.statusCode, status, name);
    t.equal(reply.headers['content-type'], 'application/problem+json', name);
    t.match(
      reply.json(),
      { code, status, detail, instance: url, title: errorTable[code as 'INTERNAL'].title },
      name,
    );
    t.equal(reply.json().requestId, reply.headers['x-request-id'], name);
  }
  for (const [url, status] of [
    ['/nope', 404],
    ['/answer/', 404],
    ['/%E0%A4%A', 400],
  ] as const) {
    const reply = await app.inject({ url });
    t.equal(reply.statusCode, status, url);
    t.match(reply.headers['content-type'], /^application\/problem\+json/);
  }
});

t.test('a wrong method is told which ones there are', async (t) => {
  const { app } = await start(t);
  const get = await app.inject({ url: '/answer?x=1' });
  t.equal(get.statusCode, 405);
  t.equal(get.headers.allow, 'POST');
  t.match(get.json(), { code: 'METHOD_NOT_ALLOWED', instance: '/answer' });
  const remove = await app.inject({ method: 'DELETE', url: '/livez' });
  t.equal(remove.statusCode, 405);
  t.equal(remove.headers.allow, 'GET, HEAD');
});

t.test('an error inside tells the client nothing but its id', async (t) => {
  const { app } = await start(t);
  app.get('/broken', async () => {
    throw new Error('the password is hunter2');
  });
  const reply = await app.inject({ url: '/broken' });
  t.equal(reply.statusCode, 500);
  t.match(reply.json(), { code: 'INTERNAL', requestId: /./ });
  t.notMatch(reply.body, /hunter2/);
});

t.test('a sane request id is kept, another is replaced', async (t) => {
  const { app } = await start(t);
  const idFor = async (given?: string) =>
    (await app.inject({ url: '/livez', headers: given === undefined ? {} : { 'x-request-id': given } }))
      .headers['x-request-id'];
  t.equal(await idFor('abc-1:2.3'), 'abc-1:2.3');
  for (const given of [undefined, 'with space', 'x'.repeat(129), '<script>']) {
    t.match(await idFor(given), /^[\da-f-]{36}$/, String(given));
  }
});

t.test('alive at once, ready with the engine, not ready while stopping', async (t) => {
  const lifecycle = { draining: false };
  const { app, engine } = await start(t, { lifecycle });
  const ready = async () => (await app.inject({ url: '/readyz' })).statusCode;
  engine.state = 'starting';
  t.equal((await app.inject({ url: '/livez' })).statusCode, 200);
  t.equal(await ready(), 503);
  engine.state = 'ready';
  t.equal(await ready(), 200);
  lifecycle.draining = true;
  t.equal(await ready(), 503);
  t.equal((await app.inject({ url: '/livez' })).statusCode, 200);
});

t.test('the version tells program, bundle, engine and caches', async (t) => {
  const { app, engine, post } = await start(t);
  await post('/answer', { question: 'x' });
  const version = (await app.inject({ url: '/version' })).json();
  t.match(version, {
    name: 'haetae',
    version: /^\d+\.\d+\.\d+/,
    node: process.version,
    bundleId: 'fake-1',
    engine: { state: 'ready', info: { vectorIndex: 'Flat' }, crashes: 0 },
    cache: { answers: { entries: 1, misses: 1, hits: 0 } },
  });
  engine.bundleId = undefined;
  t.match((await app.inject({ url: '/version' })).json(), { bundleId: null, engine: { info: null } });
});

t.test('page and documentation are served from here alone, under policies that keep it so', async (t) => {
  const { app } = await start(t);
  const page = await app.inject({ url: '/' });
  t.equal(page.statusCode, 200);
  t.match(page.headers['content-security-policy'], /default-src 'none'; script-src 'sha256-/);
  t.notMatch(page.body, /(?:src|href)="(?:https?:)?\/\//);
  t.notMatch(page.body, /innerHTML|document\.write|insertAdjacentHTML/);
  const docs = await app.inject({ url: '/docs' });
  t.equal(docs.statusCode, 200);
  t.notMatch(docs.headers['content-security-policy'], /https:|upgrade-insecure/);
  t.notMatch(docs.body, /(?:src|href)="(?:https?:)?\/\//);
  t.equal((await app.inject({ url: '/docs/static/swagger-ui-bundle.js' })).statusCode, 200);
  t.match((await app.inject({ url: '/openapi.json' })).json(), { openapi: '3.1.0' });
});

t.test('what is not even HTTP gets a problem too', async (t) => {
  const { app } = await start(t);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const address = app.server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const reply = await new Promise<string>((resolve, reject) => {
    let text = '';
    const socket = createConnection(port, '127.0.0.1', () => socket.write('what is this?\r\n\r\n'));
    socket.on('data', (data) => {
      text += data.toString();
    });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
  t.match(reply, /^HTTP\/1\.1 400 [\s\S]*application\/problem\+json[\s\S]*REQUEST_INVALID/);
});

t.test('a request that does not arrive in time is cut, and told so with 408', async (t) => {
  const { app } = await start(t);
  t.equal(app.server.requestTimeout, 300_000);
  const socket = new PassThrough();
  replyToBrokenHttp(
    Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }),
    socket as unknown as Socket,
  );
  t.match(await text(socket), /^HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*"code":"REQUEST_TIMEOUT"/);
});
