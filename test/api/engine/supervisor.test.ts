import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { type Starts, Supervisor, type SupervisorOptions } from '../../../api/engine/supervisor.js';
import type { SupervisorLimits } from '../../../api/engine/supervisor-limits.js';
import type { AnswerEvent } from '../../../shared/answering/answer.js';
import { systemClock } from '../../../shared/clock.js';
import { FakeClock } from '../../fixtures/fake-clock.js';

const entry = fileURLToPath(new URL('../../fixtures/fake-engine.ts', import.meta.url));

function supervise(
  limits: Partial<SupervisorLimits> = {},
  bundleId?: string,
  more: Partial<SupervisorOptions> = {},
) {
  const logged: { level: string; message: string; data: Record<string, unknown> }[] = [];
  const note = (level: string) => (data: object, message: string) =>
    logged.push({ level, message, data: data as Record<string, unknown> });
  const supervisor = new Supervisor({
    entry,
    load: { modelsDir: 'models', threads: 1, ...(bundleId === undefined ? {} : { bundleId }) },
    clock: systemClock,
    log: { info: note('info'), warn: note('warn'), error: note('error') },
    limits: { backoffMs: 10, startWaitMs: 60_000, ...limits },
    ...more,
  });
  return { supervisor, logged };
}

const say = (content: string) => ({ messages: [{ role: 'user' as const, content }] });

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

t.test('one engine through a life', async (t) => {
  const { supervisor } = supervise({ heartbeatMs: 50, hangMs: 3_000, maxInFlight: 2, maxQueued: 3 });
  t.teardown(() => supervisor.stop());
  t.equal(supervisor.health().state, 'starting');
  supervisor.start();

  await t.test('a request waits for the engine that is starting', async (t) => {
    t.match(await supervisor.answer('안녕'), { answer: 'echo: 안녕', bundleId: 'fake-1' });
    t.match(await supervisor.retrieve('질의'), { passages: [{ chunk: { content: '질의' } }] });
    t.match(supervisor.health(), { state: 'ready', info: { bundleId: 'fake-1' }, crashes: 0 });
    t.equal(supervisor.bundleId, 'fake-1');
  });

  await t.test('an error of the runtime is the error of that request only', async (t) => {
    const [failed, fine] = await Promise.allSettled([supervisor.answer('fail'), supervisor.answer('ok')]);
    t.match(failed, { status: 'rejected', reason: { code: 'INTERNAL', message: /told to fail/ } });
    t.match(fine, { status: 'fulfilled' });
    t.equal(supervisor.health().crashes, 0);
  });

  await t.test('an abort is answered at once, in the engine or in the queue', async (t) => {
    const stop = new AbortController();
    const all = [1, 2, 3].map(() => supervisor.answer('sleep 60000', undefined, stop.signal));
    t.match(supervisor.health(), { inFlight: 2, queued: 1 });
    stop.abort(new Error('enough'));
    for (const one of all) await t.rejects(one, { message: 'enough' });
    t.match(supervisor.health(), { inFlight: 0, queued: 0 });
    await t.rejects(supervisor.answer('x', undefined, stop.signal), { message: 'enough' });
  });

  await t.test('a full queue refuses', async (t) => {
    const stop = new AbortController();
    const all = [1, 2, 3, 4, 5].map(() => supervisor.answer('sleep 60000', undefined, stop.signal));
    await t.rejects(supervisor.answer('one too many'), { code: 'ENGINE_BUSY' });
    stop.abort();
    await Promise.allSettled(all);
  });

  await t.test(
    'the question that brings engines down is rejected; those beside it are answered',
    async (t) => {
      const before = supervisor.health().pid;
      const results = await Promise.allSettled([
        supervisor.answer('sleep 200'),
        supervisor.answer('crash'),
        supervisor.answer('queued'),
      ]);
      t.match(results[0], { status: 'fulfilled', value: { answer: 'echo: sleep 200' } });
      t.match(results[1], { status: 'rejected', reason: { code: 'ENGINE_CRASHED', message: /SIGKILL/ } });
      t.match(results[2], { status: 'fulfilled', value: { answer: 'echo: queued' } });
      t.equal(supervisor.health().crashes, 2);
      t.not(supervisor.health().pid, before);
    },
  );

  await t.test('every operation has its result', async (t) => {
    t.match(await supervisor.rerank({ query: 'b', documents: ['a', 'b'] }), {
      scores: [0.1, 0.9],
      scoredBy: 'student',
    });
    const { vectors, dimension } = await supervisor.embed(['a', 'bc']);
    t.strictSame({ vectors: [...vectors], dimension }, { vectors: [0, 1, 1, 0], dimension: 2 });
    while (supervisor.health().languageModel === null) await sleep(5);
    t.match(supervisor.health().languageModel, { slots: 8, kvCacheBytes: 4096 });
  });

  await t.test('a stream gives every part in order, then its end, however fast they come', async (t) => {
    const events = await collect(supervisor.chat(say('count 3000')));
    t.equal(events.length, 3001);
    const tokens = events.map((event) => event.text);
    t.strictSame(
      tokens.slice(0, 3000),
      Array.from({ length: 3000 }, (_, i) => `${i} `),
    );
    t.match(events.at(-1), { type: 'end', text: tokens.slice(0, 3000).join('') });

    const heard: AnswerEvent[] = [];
    const answer = await supervisor.answer('count 2', {}, undefined, (event) => heard.push(event));
    t.match(answer, { answer: 'echo: count 2' });
    t.match(heard, [{ type: 'classification' }, { text: '0 ' }, { text: '1 ' }]);
  });

  await t.test('a reader who leaves, or a signal, stops the work in the engine', async (t) => {
    for await (const { text } of supervisor.chat(say('count 1000000'))) if (text === '5 ') break;
    t.equal(supervisor.health().inFlight, 0);
    const stop = new AbortController();
    const stream = collect(supervisor.chat(say('count 1 sleep 60000'), stop.signal));
    stop.abort(new Error('enough'));
    await t.rejects(stream, { message: 'enough' });
    t.match(await supervisor.answer('x'), { answer: 'echo: x' }, 'the engine is free for others');
  });

  await t.test('a crash ends a stream that has begun, and runs one that has not once more', async (t) => {
    const { crashes } = supervisor.health();
    const begun = supervisor.chat(say('count 3 sleep 60000'))[Symbol.asyncIterator]();
    t.match(await begun.next(), { value: { text: '0 ' } });
    const silent = collect(supervisor.chat(say('sleep 300')));
    while (supervisor.health().inFlight < 2) await sleep(5);
    process.kill(supervisor.health().pid ?? 0, 'SIGKILL');
    const drain = async () => {
      for (;;) if ((await begun.next()).done) return;
    };
    await t.rejects(drain(), { code: 'ENGINE_CRASHED' });
    t.match((await silent).at(-1), { type: 'end', text: 'sleep 300' });
    t.equal(supervisor.health().crashes, crashes + 1);

    await t.rejects(collect(supervisor.chat(say('crash'))), { code: 'ENGINE_CRASHED' });
    t.equal(supervisor.health().crashes, crashes + 3, 'it ran twice');
    const parts: string[] = [];
    const read = async () => {
      for await (const { text } of supervisor.chat(say('count 2 crash'))) parts.push(text);
    };
    await t.rejects(read(), { code: 'ENGINE_CRASHED' });
    t.strictSame(parts, ['0 ', '1 ']);
    t.equal(supervisor.health().crashes, crashes + 4, 'it ran once');
  });

  await t.test('those that a crash has met go one by one, each until its reply begins', async (t) => {
    await supervisor.answer('the engine is up');
    const stop = new AbortController();
    const heard: string[] = [];
    const streams = [1, 2, 3].map(async () => {
      const stream = supervisor.chat(say('later 100 count 1 sleep 60000'), stop.signal);
      for await (const { text } of stream) heard.push(text);
    });
    const question = supervisor.answer('sleep 100');
    while (supervisor.health().inFlight < 4) await sleep(5);
    process.kill(supervisor.health().pid ?? 0, 'SIGKILL');
    t.match(await question, { answer: 'echo: sleep 100' });
    while (heard.length < 3) await sleep(5);
    t.equal(supervisor.health().inFlight, 3, 'none waited for the end of another');
    stop.abort(new Error('enough'));
    await Promise.allSettled(streams);
  });

  await t.test('chats do not stand in the way of questions, nor in the queue', async (t) => {
    await supervisor.answer('the engine is up');
    const stop = new AbortController();
    const chats = Array.from({ length: 20 }, () =>
      collect(supervisor.chat(say('sleep 60000'), stop.signal)).catch(() => undefined),
    );
    while (supervisor.health().queued === 0) await sleep(5);
    t.match(await supervisor.answer('quick'), { answer: 'echo: quick' });
    t.match(await supervisor.retrieve('quick'), { passages: [{}] });
    await t.rejects(collect(supervisor.chat(say('one too many'))), { code: 'ENGINE_BUSY' });
    stop.abort(new Error('enough'));
    await Promise.all(chats);
    t.match(supervisor.health(), { inFlight: 0, queued: 0 });
  });

  await t.test('an engine killed from outside is replaced, and nobody notices', async (t) => {
    const { pid, crashes } = supervisor.health();
    const answer = supervisor.answer('sleep 100');
    process.kill(pid ?? 0, 'SIGKILL');
    t.match(await answer, { answer: 'echo: sleep 100' });
    t.equal(supervisor.health().crashes, crashes + 1);
  });

  await t.test('an engine that hangs is killed and replaced', async (t) => {
    await t.rejects(supervisor.answer('hang'), { code: 'ENGINE_CRASHED', message: /no sign of life/ });
    t.match(await supervisor.answer('after'), { answer: 'echo: after' });
  });

  await t.test(
    'reload answers what is in flight from the old bundle, what comes after from the new',
    async (t) => {
      const old = supervisor.health().pid ?? 0;
      const before = supervisor.answer('sleep 2000');
      const stream = supervisor.chat(say('count 2 sleep 2000'))[Symbol.asyncIterator]();
      t.match(await stream.next(), { value: { text: '0 ' } });
      const { drained, previousId } = await supervisor.reload('fake-2');
      t.equal(previousId, 'fake-1');
      t.match(await supervisor.answer('at once'), { bundleId: 'fake-2' }, 'nobody waits for what is drained');
      t.match(await before, { bundleId: 'fake-1' });
      t.match(await stream.next(), { value: { text: '1 ' } });
      t.match(await stream.next(), { value: { type: 'end' } }, 'a stream is drained too');
      await drained;
      t.notOk(isAlive(old));
    },
  );

  await t.test('a reload that fails changes nothing', async (t) => {
    const { pid, crashes } = supervisor.health();
    await t.rejects(supervisor.reload('missing'), { code: 'BUNDLE_NOT_FOUND' });
    await t.rejects(supervisor.reload('broken'), { code: 'ENGINE_CRASHED' });
    t.match(await supervisor.answer('still'), { bundleId: 'fake-2' });
    t.match(supervisor.health(), { pid, crashes, state: 'ready' });
  });

  await t.test('a reload that cannot be committed changes nothing, and its engine ends', async (t) => {
    const { pid, crashes } = supervisor.health();
    const committed: string[] = [];
    const commit = async ({ bundleId }: { bundleId: string }) => {
      committed.push(`${bundleId} while ${supervisor.bundleId} serves`);
      throw new Error('the disk is full');
    };
    await t.rejects(supervisor.reload('fake-3', { commit }), { message: 'the disk is full' });
    t.strictSame(committed, ['fake-3 while fake-2 serves']);
    t.match(await supervisor.answer('still'), { bundleId: 'fake-2' });
    t.match(supervisor.health(), { pid, crashes, state: 'ready' });
  });

  await t.test('what is committed is served, even if it is given up meanwhile', async (t) => {
    const wish = new AbortController();
    const heard: string[] = [];
    supervisor.onBundle(({ bundleId }) => heard.push(bundleId));
    await supervisor.reload('fake-3', { signal: wish.signal, commit: async () => wish.abort() });
    t.match(await supervisor.retrieve('now'), { bundleId: 'fake-3' });
    await (await supervisor.reload('fake-3')).drained;
    await supervisor.reload('fake-2');
    t.strictSame(heard, ['fake-3', 'fake-2'], 'the same content once more is no news');
  });

  await t.test('a reload that is given up changes nothing, and its engine ends', async (t) => {
    const { pid, crashes } = supervisor.health();
    const wish = new AbortController();
    const reloaded = supervisor.reload('fake-3', { signal: wish.signal });
    wish.abort();
    await t.rejects(reloaded, { code: 'ENGINE_CRASHED', message: /another bundle is wanted/ });
    await t.rejects(supervisor.reload('fake-3', { signal: wish.signal }), { name: 'AbortError' });
    t.match(await supervisor.answer('still'), { bundleId: 'fake-2' });
    t.match(supervisor.health(), { pid, crashes, state: 'ready' });
  });

  await t.test('stop ends the process and refuses what comes', async (t) => {
    const pid = supervisor.health().pid ?? 0;
    await supervisor.stop();
    t.notOk(isAlive(pid));
    t.equal(supervisor.health().state, 'stopped');
    await t.rejects(supervisor.answer('late'), { code: 'ENGINE_UNAVAILABLE' });
  });
});

t.test('starts that fail are repeated ever more slowly, and requests are told instead of kept', async (t) => {
  const { supervisor, logged } = supervise(
    { failuresUntilDown: 3, backoffMs: 10, maxBackoffMs: 25 },
    'missing',
  );
  t.teardown(() => supervisor.stop());
  supervisor.start();
  await t.rejects(supervisor.answer('x'), { code: 'ENGINE_UNAVAILABLE', message: /no bundle named missing/ });
  t.equal(supervisor.health().state, 'down');
  t.match(supervisor.health().lastFailure, /no bundle named missing/);
  await t.rejects(supervisor.retrieve('x'), { code: 'ENGINE_UNAVAILABLE' });
  t.strictSame(
    logged.map(({ data }) => data.restartInMs),
    [10, 20, 25],
  );
});

t.test('an engine that hangs while it loads is killed, and the old one serves on', async (t) => {
  const clock = new FakeClock();
  const { supervisor } = supervise({ startTimeoutMs: 500, heartbeatMs: 1_000 }, undefined, { clock });
  t.teardown(() => supervisor.stop());
  supervisor.start();
  t.match(await supervisor.answer('up'), { bundleId: 'fake-1' });
  const reloaded = supervisor.reload('hung');
  void clock.advance(500);
  await t.rejects(reloaded, { code: 'ENGINE_CRASHED', message: /not ready after 500 ms/ });
  t.match(await supervisor.answer('still'), { bundleId: 'fake-1' });
});

t.test('a start is made on the bundle that is chosen, and failures are told', async (t) => {
  const failures: string[] = [];
  const asked: (string | undefined)[] = [];
  const starts: Starts = {
    next: async (lostId) => {
      asked.push(lostId);
      return lostId ?? (failures.length === 0 ? 'missing' : 'fake-7');
    },
    failed: async (bundleId, error) => void failures.push(`${bundleId}: ${String(error)}`),
  };
  const { supervisor } = supervise({}, undefined, { starts });
  t.teardown(() => supervisor.stop());
  supervisor.start();
  t.match(await supervisor.answer('up'), { bundleId: 'fake-7' });
  t.match(failures, [/^missing: .*no bundle named missing/]);
  process.kill(supervisor.health().pid ?? 0, 'SIGKILL');
  t.match(await supervisor.answer('up again'), { bundleId: 'fake-7' });
  t.strictSame(asked, [undefined, undefined, 'fake-7'], 'what served is started again');
});

t.test('a request does not wait longer for an engine than it may', async (t) => {
  const { supervisor } = supervise({ startWaitMs: 1 });
  t.teardown(() => supervisor.stop());
  supervisor.start();
  await t.rejects(supervisor.answer('x'), { code: 'ENGINE_UNAVAILABLE' });
});

t.test('an engine ends with its parent', async (t) => {
  const { fork } = await import('node:child_process');
  const child = fork(entry, { serialization: 'advanced' });
  child.send({ type: 'load', options: { modelsDir: 'models', threads: 1 } });
  await once(child, 'message');
  child.disconnect();
  const [code] = await once(child, 'exit');
  t.equal(code, 0);
});
