import Fastify from 'fastify';
import t, { type Test } from 'tap';
import { eventFrame, replyWithEvents } from '../../api/event-stream.js';
import { messageOf } from '../../shared/errors.js';
import { FakeClock, settle } from '../fixtures/fake-clock.js';

function serve(t: Test, frames: (clock: FakeClock) => AsyncGenerator<string, void, undefined>) {
  const clock = new FakeClock();
  const app = Fastify();
  t.teardown(() => app.close());
  const lastFrame = (error: unknown) => eventFrame({ message: messageOf(error) }, 'error');
  app.get('/', (_, reply) => replyWithEvents(reply, frames(clock), { clock, lastFrame }));
  return { clock, get: () => app.inject({ url: '/' }) };
}

/** Fails before its first frame. */
async function* failing(): AsyncGenerator<string, void, undefined> {
  yield await Promise.reject(new Error('late'));
}

const after = (clock: FakeClock, ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));

t.test('an event is one line of JSON under its name', async (t) => {
  t.equal(eventFrame({ text: 'a\nb' }, 'token'), 'event: token\ndata: {"text":"a\\nb"}\n\n');
  t.equal(eventFrame('[DONE]'), 'data: [DONE]\n\n');
});

t.test('frames are the body, under headers that keep proxies from gathering them', async (t) => {
  const { get } = serve(t, async function* () {
    yield eventFrame({ a: 1 });
    yield eventFrame({ b: 2 });
  });
  const reply = await get();
  t.equal(reply.body, 'data: {"a":1}\n\ndata: {"b":2}\n\n');
  t.match(reply.headers, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
});

t.test('what fails before the first frame is an ordinary error; later it is the last frame', async (t) => {
  const early = serve(t, async function* () {
    yield await Promise.reject(Object.assign(new Error('early'), { statusCode: 418 }));
  });
  t.equal((await early.get()).statusCode, 418);
  const late = serve(t, async function* () {
    yield eventFrame({ a: 1 });
    throw new Error('late');
  });
  t.equal((await late.get()).body, 'data: {"a":1}\n\nevent: error\ndata: {"message":"late"}\n\n');
});

t.test('silence is filled with comments, before the first event and between two', async (t) => {
  const { clock, get } = serve(t, async function* (clock) {
    await after(clock, 31_000);
    yield eventFrame({ a: 1 });
    await after(clock, 16_000);
    yield eventFrame({ b: 2 });
  });
  const reply = get();
  await settle();
  const { body, statusCode } = await clock.runUntil(reply);
  t.equal(statusCode, 200);
  const comment = ': keep-alive\n\n';
  t.equal(body, `${comment}${comment}data: {"a":1}\n\n${comment}data: {"b":2}\n\n`);
  t.strictSame(clock.waiting(), [], 'no timer stays behind');
});

t.test('what fails after a comment is the last frame too: the headers are gone', async (t) => {
  const { clock, get } = serve(t, async function* (clock) {
    await after(clock, 16_000);
    yield* failing();
  });
  const { body } = await clock.runUntil(get());
  t.equal(body, ': keep-alive\n\nevent: error\ndata: {"message":"late"}\n\n');
});
