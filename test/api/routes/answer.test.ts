import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { buildApp } from '../../../api/app.js';
import { readConfig } from '../../../api/config.js';
import { HaetaeError } from '../../../shared/errors.js';
import { fakeAnswer } from '../../fixtures/fake-results.js';
import { readEvents } from '../../fixtures/read-events.js';
import { StubEngine } from '../../fixtures/stub-engine.js';

const stream = { accept: 'text/event-stream' };

async function start(t: Test) {
  const engine = new StubEngine();
  const app = await buildApp({ config: readConfig({}), engine });
  t.teardown(() => app.close());
  const ask = (payload: object, headers: Record<string, string> = stream) =>
    app.inject({ method: 'POST', url: '/answer', payload, headers });
  return { app, engine, ask };
}

t.test('an answer is streamed while it is made, and ends with the whole of it', async (t) => {
  const { engine, ask } = await start(t);
  const result = {
    ...fakeAnswer('왜?'),
    usage: { promptTokens: 9, cachedTokens: 4, completionTokens: 2 },
  };
  engine.onAnswer = async (_, __, ___, onEvent) => {
    onEvent?.({ type: 'classification', classification: result.classification });
    onEvent?.({
      type: 'retrieval',
      passages: [{ chunkId: 'law#1', title: '전자금융거래법', section: '제2조', score: 1 }],
    });
    onEvent?.({ type: 'token', text: '접근\n' });
    onEvent?.({ type: 'token', text: '매체' });
    return result;
  };
  const reply = await ask({ question: '왜?' });
  t.match(reply.headers, {
    'content-type': /^text\/event-stream/,
    'x-haetae-cache': 'miss',
    vary: 'accept',
    'x-request-id': /./,
  });
  t.strictSame(readEvents(reply.body), [
    { event: 'classification', data: result.classification },
    {
      event: 'retrieval',
      data: { passages: [{ chunkId: 'law#1', title: '전자금융거래법', section: '제2조', score: 1 }] },
    },
    { event: 'token', data: { text: '접근\n' } },
    { event: 'token', data: { text: '매체' } },
    { event: 'answer', data: result },
  ]);

  const known = await ask({ question: '왜?' });
  t.equal(known.headers['x-haetae-cache'], 'hit');
  t.strictSame(readEvents(known.body), [{ event: 'answer', data: result }]);
  const json = await ask({ question: '왜?' }, {});
  t.equal(json.headers['x-haetae-cache'], 'hit', 'the cache is one');
  t.strictSame(json.json(), result);
  t.equal(engine.calls.length, 1);
});

t.test('the form of the reply follows Accept, JSON where there is no choice', async (t) => {
  const { ask } = await start(t);
  const table: [string | undefined, RegExp][] = [
    [undefined, /json/],
    ['*/*', /json/],
    ['application/json', /json/],
    ['text/html', /json/],
    ['text/event-stream;q=0', /json/],
    ['application/json, text/event-stream;q=0.9', /json/],
    ['text/html, */*;q=0.8', /json/],
    ['text/event-stream', /event-stream/],
    ['TEXT/EVENT-STREAM', /event-stream/],
    ['text/*', /event-stream/],
    ['application/json;q=0.5, text/event-stream', /event-stream/],
  ];
  for (const [accept, type] of table) {
    const reply = await ask({ question: 'x' }, accept === undefined ? {} : { accept });
    t.equal(reply.statusCode, 200);
    t.match(reply.headers['content-type'], type, String(accept));
  }
});

t.test('what is wrong with the request is a problem, not a stream', async (t) => {
  const { engine, ask } = await start(t);
  engine.onAnswer = () => Promise.reject(new HaetaeError('ENGINE_BUSY', 'full'));
  for (const [payload, status, code] of [
    [{ question: ' ' }, 400, 'QUESTION_EMPTY'],
    [{ question: 1 }, 400, 'REQUEST_INVALID'],
    [{ question: 'x' }, 503, 'ENGINE_BUSY'],
  ] as const) {
    const reply = await ask(payload);
    t.equal(reply.statusCode, status);
    t.equal(reply.headers['content-type'], 'application/problem+json');
    t.match(reply.json(), { code });
  }
});

t.test('an engine that is lost in the middle takes its text back, and the fallback answers', async (t) => {
  const { engine, ask } = await start(t);
  engine.onAnswer = async (question, _, __, onEvent) => {
    onEvent?.({ type: 'classification', classification: fakeAnswer(question).classification });
    onEvent?.({ type: 'token', text: '접근' });
    throw new HaetaeError('ENGINE_CRASHED', 'a secret path');
  };
  const { body } = await ask({ question: '왜?' });
  const events = readEvents(body);
  t.match(events, [
    { event: 'classification' },
    { event: 'token' },
    { event: 'discard', data: { reason: /^ENGINE_CRASHED/ } },
    { event: 'answer', data: { usedFallback: true, errorMessage: /^ENGINE_CRASHED/ } },
  ]);
  t.notMatch(body, /secret/);
  t.match(readEvents((await ask({ question: '왜?' })).body).at(-1), { data: { usedFallback: true } });
  t.equal(engine.calls.length, 2, 'a fallback is not kept');
});

t.test('an error after the headers is an event with the problem', async (t) => {
  const { engine, ask } = await start(t);
  engine.onAnswer = async (question, _, __, onEvent) => {
    onEvent?.({ type: 'classification', classification: fakeAnswer(question).classification });
    throw new HaetaeError('RETRIEVAL_PARAMETER', 'nprobe is 0');
  };
  const reply = await ask({ question: 'x' });
  t.equal(reply.statusCode, 200);
  t.match(readEvents(reply.body), [
    { event: 'classification' },
    {
      event: 'error',
      data: {
        code: 'RETRIEVAL_PARAMETER',
        status: 400,
        instance: '/answer',
        requestId: reply.headers['x-request-id'],
      },
    },
  ]);
});

t.test('nothing is heard of an answer that came too late', async (t) => {
  const { engine, ask } = await start(t);
  engine.onAnswer = async (_, __, ___, onEvent) => {
    onEvent?.({ type: 'token', text: 'a' });
    await sleep(60);
    onEvent?.({ type: 'token', text: 'late' });
    return fakeAnswer('late');
  };
  const { body } = await ask({ question: 'x', options: { deadlineMs: 20 } });
  t.strictSame(
    readEvents(body).map(({ event }) => event),
    ['token', 'discard', 'answer'],
  );
});

t.test('streams of equal questions are each made; those without a stream share one', async (t) => {
  const { engine, ask } = await start(t);
  engine.onAnswer = async (question, _, __, onEvent) => {
    onEvent?.({ type: 'token', text: 'a' });
    await sleep(20);
    return fakeAnswer(question);
  };
  const replies = await Promise.all([
    ask({ question: 'x' }),
    ask({ question: 'x' }),
    ask({ question: 'x' }, {}),
    ask({ question: 'x' }, {}),
  ]);
  t.strictSame(
    replies.map(({ headers }) => headers['x-haetae-cache']),
    ['miss', 'miss', 'miss', 'coalesced'],
  );
  for (const { body } of replies.slice(0, 2))
    t.match(readEvents(body), [{ event: 'token' }, { event: 'answer' }]);
  t.equal(engine.calls.length, 3);
});

t.test('a client who leaves in the middle cancels the work', async (t) => {
  const { app, engine } = await start(t);
  let cancelled: AbortSignal | undefined;
  engine.onAnswer = (_, __, signal, onEvent) =>
    new Promise((_resolve, reject) => {
      cancelled = signal;
      signal?.addEventListener('abort', () => reject(signal.reason));
      onEvent?.({ type: 'token', text: 'a' });
    });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const leave = new AbortController();
  const reply = await fetch(`${url}/answer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...stream },
    body: JSON.stringify({ question: 'x' }),
    signal: leave.signal,
  });
  const reader = reply.body!.getReader();
  t.match(new TextDecoder().decode((await reader.read()).value), /^event: token\n/);
  const aborted = once(cancelled!, 'abort');
  leave.abort();
  await aborted;
  t.equal(cancelled?.reason.code, 'CANCELLED');
});
